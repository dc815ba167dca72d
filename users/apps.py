from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"

    def ready(self) -> None:
        from users import lookups, watching  # noqa: F401 - the import registers the lookup

        watching.connect()
