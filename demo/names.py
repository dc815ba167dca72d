"""Names that sound like those of a campus and belong to nobody: put together at random."""

import random
from itertools import product


def _words(text: str) -> list[str]:
    return text.split()


_TURKISH_FIRST = _words(
    "Ahmet Arda Aslı Ayşe Barış Berk Beyza Burak Büşra Can Cem Ceren Çağla Deniz Derya Ebru Ece "
    "Efe Elif Emine Emre Esra Furkan Gizem Gökhan Gül Hakan Hande Hüseyin İbrahim İlayda İpek "
    "Kaan Kerem Mehmet Melis Merve Mert Murat Mustafa Nazlı Nehir Okan Onur Ömer Özge Pelin Rüya "
    "Selin Sena Serkan Sıla Şule Tolga Tuğba Ufuk Umut Yağmur Yasin Yusuf Zehra Zeynep"
)
_TURKISH_LAST = _words(
    "Acar Akın Aksoy Aktaş Arslan Avcı Aydın Bakır Bal Başaran Bilgin Bulut Can Çelik Çetin Çınar "
    "Demir Demirci Doğan Duman Erdem Erdoğan Eren Güler Güneş Işık Kaplan Kara Karaca Kaya Kılıç "
    "Koç Korkmaz Köse Kurt Özcan Özdemir Özkan Öztürk Polat Sarı Soylu Şahin Şen Şimşek Taş Tekin "
    "Toprak Tunç Uçar Ünal Yalçın Yaman Yavuz Yıldırım Yıldız Yılmaz"
)
_OTHER_FIRST = _words(
    "Aiko Aleksei Amina Anna Chloé Daniel Elena Farid Giulia Hana Ines Ivan João Jonas Karim Lara "
    "Léa Lucía Maria Mateo Mina Nadia Nikolaos Nour Olga Omar Pavel Priya Sofia Tariq Viktor Yuki"
)
_OTHER_LAST = _words(
    "Abdallah Andersson Bauer Costa Dimitrov Fischer Garcia Haddad Hassan Ivanova Kowalski Laurent "
    "Mbeki Moreau Nakamura Nguyen Novak Okafor Papadakis Patel Petrov Rossi Schmidt Silva Tanaka"
)
_TURKISH_SHARE = 0.8


def full_names(count: int, rng: random.Random) -> list[str]:
    """So many different names, most of them Turkish."""
    turkish = [" ".join(name) for name in product(_TURKISH_FIRST, _TURKISH_LAST)]
    other = [" ".join(name) for name in product(_OTHER_FIRST, _OTHER_LAST)]
    share = round(count * _TURKISH_SHARE)
    names = rng.sample(turkish, share) + rng.sample(other, count - share)
    rng.shuffle(names)
    return names
