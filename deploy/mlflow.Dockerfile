# MLflow's server: one worker, no job execution, no training stack.
FROM python:3.11-slim
RUN useradd --create-home --uid 10001 crewtune
WORKDIR /app
COPY requirements.txt ./
RUN grep --extended-regexp '^mlflow==' requirements.txt > mlflow.txt \
  && pip install --no-cache-dir -r mlflow.txt
RUN mkdir -p /srv/crewtune/mlruns && chown -R crewtune /srv/crewtune
USER 10001
ENV MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/health', timeout=2)"]
CMD ["python", "-m", "mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--workers", "1", \
  "--allowed-hosts", "mlflow:5000,127.0.0.1:5000,localhost:5000", \
  "--backend-store-uri", "sqlite:////srv/crewtune/mlruns/mlflow.db", "--artifacts-destination", "/srv/crewtune/mlruns/artifacts"]
