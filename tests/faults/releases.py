"""Another release of ATTN beside the one that is tested: the same tree, changed in a folder."""

import shutil
from hashlib import sha1
from pathlib import Path

from launcher.project import ROOT

PARTS = (
    "attendance",
    "attn_project",
    "courses",
    "jobs",
    "reports",
    "users",
    "webhooks",
    "launcher",
    "tests",
    "manage.py",
)
_MIGRATION = '''"""Only adds: the release before goes on writing meanwhile."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("attendance", "{last}")]
    operations = [
        migrations.AddField(
            "attendancerecord", "expanded", models.CharField(max_length=10, null=True)
        ),
        migrations.AddField(
            "attendance", "expanded", models.CharField(max_length=10, db_default="")
        ),
        AddIndexConcurrently(
            "attendancerecord", models.Index(fields=["changed_at"], name="record_by_change")
        ),
    ]
'''


def make(folder: Path) -> Path:
    """A release whose scripts all differ, with a migration that only adds."""
    ignored = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        else:
            shutil.copy(ROOT / part, folder / part)
    prelude = folder / "attendance" / "live" / "scripts" / "prelude.lua"
    prelude.write_text(f"{prelude.read_text()}\n-- Another release.\n")
    migrations = folder / "attendance" / "migrations"
    last = max(path.stem for path in migrations.glob("0*.py"))
    (migrations / "9999_expand.py").write_text(_MIGRATION.format(last=last))
    return folder


def sha_of(release: Path, name: str) -> str:
    """The digest by which a release calls one of its simple scripts."""
    scripts = release / "attendance" / "live" / "scripts"
    text = "\n".join((scripts / f"{part}.lua").read_text() for part in ("clock", "prelude", name))
    return sha1(text.encode(), usedforsecurity=False).hexdigest()
