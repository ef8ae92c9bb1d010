"""Connect to a language model at any OpenAI-compatible endpoint (Ollama, vLLM, hosted ones)."""

from crewai.llms.base_llm import BaseLLM
from pydantic import SecretStr

_SECONDS = 120  # a local model on a CPU may take that long for one answer


def connect(base_url: str, model: str, api_key: SecretStr | None = None) -> BaseLLM:
    """Return the model `model` at `base_url`, e.g. `http://127.0.0.1:11434/v1`."""
    from crewai.llms.providers.openai.completion import OpenAICompletion

    return OpenAICompletion(
        model=model,
        base_url=base_url,
        # The client insists on a key; local servers ignore it.
        api_key=api_key.get_secret_value() if api_key else "none",
        temperature=0.0,
        timeout=_SECONDS,
        max_retries=1,
    )
