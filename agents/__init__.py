"""Judgement: four CrewAI agents, their prompts, their tools, and the flow that orders them."""
