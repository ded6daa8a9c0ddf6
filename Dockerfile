# The shop: the same image runs the web server, the relay, the consumer and the clock.
FROM python:3.12-slim AS build
# With `--build-arg REQUIREMENTS=requirements-otel.txt` it can send OpenTelemetry's traces, too.
ARG REQUIREMENTS=requirements.txt
RUN python -m venv /venv
COPY requirements*.txt ./
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check -r "$REQUIREMENTS"

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /app shop
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STATIC_ROOT=/app/staticfiles \
    MEDIA_ROOT=/data/media \
    SPOOL_DIR=/data/spool \
    PROMETHEUS_MULTIPROC_DIR=/tmp/metrics
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
RUN set -a && . devtools/check.env && set +a \
    && python manage.py collectstatic --no-input --verbosity 0 \
    && rm -r devtools \
    && install -d -o shop /data/media /data/spool
USER 10001
EXPOSE 8000
CMD ["gunicorn", "--bind=0.0.0.0:8000"]
