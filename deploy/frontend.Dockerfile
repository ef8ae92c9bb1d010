# The screens: Streamlit and the client, no training stack.
FROM python:3.11-slim
RUN useradd --create-home --uid 10001 crewtune
WORKDIR /app
COPY requirements.txt ./
COPY sdk sdk
# The same versions as everywhere, of what the screens need.
RUN grep --extended-regexp '^(streamlit|starlette|uvicorn|httpx2|pydantic)==' requirements.txt > ui.txt \
  && pip install --no-cache-dir -r ui.txt ./sdk
COPY frontend frontend
USER 10001
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=2)"]
CMD ["python", "-m", "frontend.serve", "--api", "http://backend:8000", "--address", "0.0.0.0", "--port", "8501"]
