import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nameInSentence, shownName } from './shown-name.ts'

const pattern = new RegExp(shownName.pattern, 'u')

test('names as people have them are taken, in any script', () => {
  for (const name of [
    'Example Bank',
    'Ömer & Söhne GmbH (“ÖS”)',
    'Nguyễn Thị Phương',
    'Nguye\u0302\u0303n',
    '日本電信',
    'בנק לאומי',
    'می\u200cخواهم',
    'क्\u200dष लिमिटेड',
    '👩\u200d👩\u200d👧 Ltd',
    '☕\ufe0f Café',
    '7',
  ])
    assert.match(name, pattern)
})

test('what cannot be seen, turns the writing or climbs out of its line is in no name', () => {
  const marks =
    '\u0000 \u0007 \n \r \t \u007f \u0085 \u00ad \u034f \u061c \u115f \u1160 \u17b4 \u180e \u200b \u200e \u200f \u2028 \u2029 \u202a \u202b \u202c \u202d \u202e \u2060 \u2066 \u2067 \u2068 \u2069 \u206a \u2800 \u3164 \ufeff \uffa0 \ufff9 \ufffe \ue000 \ud800 \u{e0041}'
  for (const mark of marks.split(' ').filter(Boolean)) {
    for (const name of [mark, `${mark}Example`, `Exam${mark}ple`, `Example${mark}`])
      assert.doesNotMatch(name, pattern, JSON.stringify(name))
  }
  for (const name of ['', ' ', '\u00a0', '\u200d', '\u0301', `a${'\u0301'.repeat(6)}`])
    assert.doesNotMatch(name, pattern, JSON.stringify(name))
})

test('in a sentence no name, whatever it holds, leaves a mark that turns the words after it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (name) => {
      const shown = nameInSentence(`${name}\u202e${name}\u2067\n`)
      const inside = shown.replace(/^\u2068([\s\S]*)\u2069$/u, '$1')
      assert.doesNotMatch(
        inside,
        /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Cc}\u2028\u2029]/u,
      )
    }),
    { numRuns: 200 },
  )
  assert.equal(nameInSentence('Example Bank'), 'Example Bank')
  assert.equal(nameInSentence('\u202eknaB elpmaxE'), 'knaB elpmaxE')
  assert.equal(nameInSentence('בנק 12'), '\u2068בנק 12\u2069')
})
