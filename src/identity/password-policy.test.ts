import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passwordFaults } from './password-policy.ts'

const faultsOf = (password: string, about = {}) =>
  passwordFaults(password, about).map((fault) => fault.message)

test('refuses common passwords, also dressed up to the asked length', () => {
  for (const password of [
    'password1234',
    'Password123!',
    'P@ssw0rd1234',
    'Pa$$w0rd!2026',
    'passwordpassword',
    'Welcome2026!!',
    '!!admin!!!!!!!!',
    '@dministrator1',
    'letmein123456',
    'ChangeMe12345',
    'qwerty123456',
    'qwertyuiop123',
    '123456789012',
    '098765432109',
    'abcdefghijklm',
    '1q2w3e4r5t6y',
    '1qaz2wsx3edc4rfv',
    'aaaaaaaaaaaa',
    'abababababab',
    '121212121212',
    'qwerqwerqwer',
    'пароль123456',
    'Wayleave2026!',
    '            ',
  ]) {
    assert.equal(faultsOf(password).length, 1, password)
  }
})

test('takes passphrases, random text and passwords that only contain a common word', () => {
  for (const password of [
    'violet harbour 58 lantern',
    'correct horse battery staple',
    'correct-horse-battery-staple',
    'a-strong-password-1',
    'test-password-for-ada',
    'uV7#kq2!Lz9@',
    '7f3c9a1e5b2d',
    'S3cure-enough-pass',
    'мой дом стоит у реки',
    '東京タワーの下で会いましょう',
  ]) {
    assert.deepEqual(faultsOf(password), [], password)
  }
})

test('refuses what an attacker knows of the person, however it is spelled', () => {
  const about = { email: 'Ada.Lovelace@example.com', organisation: 'Analytical Engines' }
  assert.match(faultsOf('my ada-lovelace 42', about)[0] ?? '', /e-mail/)
  assert.match(faultsOf('ANALYTICAL_engines-77', about)[0] ?? '', /organisation/)
  assert.equal(faultsOf('AdaLovelace@AnalyticalEngines', about).length, 2)
  assert.deepEqual(faultsOf('violet harbour 58 lantern', about), [])
})

test('a very short local part is in too many passwords to count', () => {
  assert.deepEqual(faultsOf('violet harbour 58 lantern', { email: 'a@example.com' }), [])
  assert.deepEqual(faultsOf('violet harbour 58 lantern', { organisation: '' }), [])
})

test('judging the longest password takes no time worth attacking', () => {
  // The processor's time: another process may have it meanwhile.
  const before = process.cpuUsage()
  for (const password of [
    'a'.repeat(128),
    'ab1'.repeat(42),
    `${'abcd'.repeat(31)}x`,
    'q1'.repeat(64),
    `${'1'.repeat(127)}a`,
  ]) {
    faultsOf(password)
  }
  assert.ok(process.cpuUsage(before).user < 250_000)
})
