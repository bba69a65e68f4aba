import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stripBidiControls, readable, shownName } from './foreign-text.ts'

const FIVE_STACKED = /[\p{Mn}\p{Me}]{5}/u
const ACUTE = '\u0301'

test('W70 of the marks on one letter four are shown', () => {
  expect(readable(`e${ACUTE.repeat(4)}`)).toBe(`e${ACUTE.repeat(4)}`)
  expect(readable(`e${ACUTE.repeat(5)}`)).toBe(`e${ACUTE.repeat(4)}`)
  expect(readable(`Z${'\u0301\u0327\u20DD'.repeat(100)}algo`)).toBe('Z\u0301\u0327\u20DD\u0301algo')
  expect(readable(`${ACUTE.repeat(300)}a${ACUTE.repeat(300)}`)).toBe(`${ACUTE.repeat(4)}a${ACUTE.repeat(4)}`)
})

test.each([
  ['a zero width joiner', '\u200D'],
  ['a zero width non-joiner', '\u200C'],
  ['a soft hyphen', '\u00AD'],
  ['a change of direction', '\u202E'],
  ['a filler', '\u3164'],
  ['a variation selector', '\uFE0F'],
  ['a standing mark', '\u0903'],
])('W70 %s between the marks does not begin a new row', (_what, between) => {
  const shown = readable(`a${`${ACUTE}${between}`.repeat(300)}`)
  expect(shown.split(/[\u0301\uFE0F]/).length - 1).toBe(4)
})

test.each([
  ['Thai', 'น้ำ ที่ ผู้ใหญ่ กั๊ก ปิ่น'],
  ['Devanagari', 'र्क्ष्य हिन्दी में ज़िन्दगी ॐ नमः क्ष्म्यैं'],
  ['Hebrew with points and accents', 'בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים שָּׁ֑ם'],
  ['Arabic with vowels', 'ٱللَّٰهِ مُحَمَّدٌ رَسُولُ ٱلرَّحْمَٰنِ'],
  ['Vietnamese, decomposed', 'Tiếng Việt ở Huế Nguyễn'.normalize('NFD')],
  ['Greek, decomposed', 'ᾧ ἐν ἀρχῇ ἦν ὁ λόγος ᾅδης'.normalize('NFD')],
  ['Burmese', 'လျှော့ မြွှေ့ ကျွန်ုပ် ညှို့ ကြွေး မွှေးကြိုင်'],
  ['Tibetan', 'བསྒྲུབས་ ཧཱུྃ་ ཨོཾ་མ་ཎི་པདྨེ་'],
  ['Khmer', 'ស្ត្រី ខ្ញុំ ព្រះ ក្រោយ'],
  ['Tamil, Bengali and Sinhala', 'கொள்கை বাংলা ক্ষ্ণৌ ශ්‍රී'],
  ['Yoruba, Navajo and Lithuanian', 'Ẹ̀kọ́ dííníłdzíįh i̇̃ ǫ́'.normalize('NFD')],
  ['emoji', '👩‍🚀 ❤️‍🔥 1️⃣ 👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🧑🏽‍🤝‍🧑🏿'],
])('W70 %s is shown as it is written', (_script, text) => {
  expect(readable(text)).toBe(text)
  expect(readable(text.normalize('NFD'))).toBe(text.normalize('NFD'))
})

/** No mark is beyond the first two planes but the selectors of variants in the fifteenth. */
const codes = Array.from({ length: 0x20000 }, (_, code) => code).concat(
  Array.from({ length: 240 }, (_, n) => 0xe0100 + n),
)
const anyMark = fc.constantFrom(
  ...codes.map((code) => String.fromCodePoint(code)).filter((char) => /\p{M}/u.test(char)),
)
const anyText = fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), anyMark)).map((parts) => parts.join(''))

test('W70 whatever the text, no five marks stack, letters stay in order, and saying it twice changes nothing', () => {
  const letters = (text: string): string => text.replaceAll(/\p{M}/gu, '')
  fc.assert(
    fc.property(anyText, (text) => {
      const shown = readable(text)
      expect(FIVE_STACKED.test(shown)).toBe(false)
      expect(/\p{M}{9}/u.test(shown)).toBe(false)
      expect(letters(shown)).toBe(letters(text))
      expect(readable(shown)).toBe(shown)
    }),
  )
})

test('W70 a row of marks far longer than any message is cut as fast as it is read', () => {
  for (const unit of [ACUTE, `a${ACUTE.repeat(5)}`, `${ACUTE}\u200D`, '\u200D'])
    expect(FIVE_STACKED.test(readable(unit.repeat(500_000 / unit.length)))).toBe(false)
})

test.each([
  ['a zero width space', '\u200B'],
  ['a filler of Hangul', '\u3164'],
  ['an empty pattern of Braille', '\u2800'],
  ['a soft hyphen', '\u00AD'],
  ['a variation selector', '\uFE0F'],
  ['overrides and isolates', '\u202E\u2066\u2069'],
  ['controls', '\u0001\u0085'],
  ['spaces', ' \u00A0\u3000'],
  ['a mark on nothing', ACUTE],
  ['a lot of them', '\u200B\u3164\u2800\u00AD\uFE0F\u0301\u115F\uFFA0\u{E0061}'.repeat(20)],
])('W71 a name of nothing but %s is shown as the id', (_what, name) => {
  expect(shownName({ id: '@guest-1', name })).toBe('@guest-1')
})

test.each(['Ada', '李', '.', '👩\u200D🚀', 'e\u0301', '\u200BAda\u200B', '\u0E19\u0E49', '\u{1F9FF}'])(
  'W71 %s can be seen and is a name',
  (name) => expect(shownName({ id: '@guest-1', name })).toBe(name),
)

test('W77 in a tooltip a text has one line, few marks, and turns nothing around', () => {
  expect(stripBidiControls('\u202Erenwo\u202C')).toBe('renwo')
  expect(stripBidiControls('a\u2069\u2066\u200F\u061Cb')).toBe('ab')
  expect(stripBidiControls('Ada · עדה · آدا 👩\u200D🚀')).toBe('Ada · עדה · آدا 👩\u200D🚀')
  expect(stripBidiControls(' Ada\n\n\u2028admin ')).toBe('Ada admin')
  expect(stripBidiControls(`e${'\u0301\u202E'.repeat(300)}`)).toBe(`e${ACUTE.repeat(4)}`)
})
