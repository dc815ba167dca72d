"""Browsers and systems in words."""

import pytest

from users.user_agents import browser_of

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
CHROME = "Chrome/131.0.0.0"


@pytest.mark.parametrize(
    ("header", "name", "system"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
            "Firefox",
            "Linux",
        ),
        (f"{WINDOWS} {CHROME} Safari/537.36 Edg/131.0.0.0", "Edge", "Windows"),
        (f"{WINDOWS} {CHROME} Safari/537.36 OPR/115.0.0.0", "Opera", "Windows"),
        (f"{WINDOWS} {CHROME} Safari/537.36", "Chrome", "Windows"),
        (f"{ANDROID} {CHROME} Mobile Safari/537.36", "Chrome", "Android"),
        (f"{ANDROID} SamsungBrowser/27.0 {CHROME} Safari/537.36", "Samsung Internet", "Android"),
        (f"{IPHONE} CriOS/131.0 Mobile/15E148 Safari/604.1", "Chrome", "iPhone"),
        (f"{IPHONE} FxiOS/133.0 Mobile/15E148 Safari/605.1.15", "Firefox", "iPhone"),
        (f"{MAC} Version/18.1 Safari/605.1.15", "Safari", "macOS"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/131.0.0.0", "Chrome", "ChromeOS"),
        ("curl/8.5.0", "", ""),
        ("", "", ""),
        ("x" * 2_000 + "Firefox/133.0", "", ""),
    ],
)
def test_a_browser_is_told_by_its_own_name(header: str, name: str, system: str) -> None:
    assert browser_of(header) == (name, system)
