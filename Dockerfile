# The site, the event stream and manage.py: one image, three commands. See docs/how-to/docker.md.
FROM python:3.11-slim-bookworm AS build
# parquet.txt, which has pyarrow too, in place of requirements.txt: see docs/how-to/data.md.
ARG LOCK=requirements.txt
COPY requirements.txt requirements/parquet.txt /build/
RUN python -m venv /opt/attn \
    && /opt/attn/bin/pip install --no-cache-dir --require-hashes -r "/build/$LOCK"

FROM python:3.11-slim-bookworm
# A new volume takes over the owner and the mode of this folder.
RUN useradd --system --no-create-home attn \
    && install -d -o attn -g attn -m 0700 /srv/evidence
COPY --from=build /opt/attn /opt/attn
WORKDIR /srv/attn
COPY manage.py ./
COPY attn_project attn_project
COPY attendance attendance
COPY courses courses
COPY jobs jobs
COPY webhooks webhooks
COPY reports reports
COPY users users
ENV PATH=/opt/attn/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=1 \
    ATTN_STATIC_ROOT=/srv/static
# Collecting asks no server and signs nothing: these addresses and this key stay in this one step.
RUN ATTN_SECRET_KEY=only-for-collecting-static-files-0123456789-abcdefghij \
    DATABASE_URL=postgresql://nobody@localhost/nothing \
    REDIS_URL=redis://localhost:6379/0 CACHE_URL=redis://localhost:6380/0 \
    python manage.py collectstatic --noinput -v 0
USER attn
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s CMD ["python", "-c", "import urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/healthz', headers={'Host': 'localhost'}), timeout=4)"]
CMD ["gunicorn", "attn_project.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--no-control-socket"]
