"""What the forms of all pages share."""

from typing import Any

from django import forms


class PageForm(forms.Form):
    """A form whose labels stand above their fields: nothing comes after the words."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})
