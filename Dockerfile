# The program. Two stages: what builds it stays behind. Runs as a user of its own, writes only under /data.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/minsheng
COPY . .
RUN make setup

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home minsheng \
    && install -d -o minsheng -g minsheng /data
COPY --from=build /opt/minsheng /opt/minsheng
USER 10001
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MPLCONFIGDIR=/tmp PATH=/opt/minsheng/.venv/bin:$PATH
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["minsheng"]
CMD ["run", "--host", "0.0.0.0", "--data", "/data"]
