# The API and its jobs. For a GPU, build with --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130
FROM python:3.11-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN useradd --create-home --uid 10001 crewtune
WORKDIR /app
COPY requirements.txt ./
COPY sdk sdk
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -r requirements.txt
COPY tools tools
COPY agents agents
COPY backend backend
COPY data/samples data/samples
# Beside the samples, which belong to the image and not to the volume.
ENV CREWTUNE_DATA_DIR=/srv/crewtune/data CREWTUNE_MLRUNS_DIR=/srv/crewtune/mlruns
RUN mkdir -p /srv/crewtune/data /srv/crewtune/mlruns && chown -R crewtune /srv/crewtune
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=2)"]
CMD ["python", "-m", "backend.serve", "--host", "0.0.0.0", "--port", "8000", "--prepare"]
