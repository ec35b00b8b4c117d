import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Command, CommandError } from './command.ts'
import { runCommandLine } from './run-command-line.ts'

const command = (name: string, run: Command['run']): Command => ({
  name,
  summary: `does ${name}`,
  usage: '[--colour <name>]',
  help: ['Paints.'],
  options: { colour: { type: 'string' } },
  positionals: [0, 1],
  run,
})

const commands = [
  command('paint', async ({ options, positionals }) => ({
    data: { colour: options.colour, positionals },
    text: 'painted',
  })),
  command('refuse', async () => {
    throw new CommandError('no')
  }),
  command('house build', async () => ({ data: {}, text: 'built', exitCode: 1 })),
]

async function run(...argv: string[]) {
  let stdout = ''
  let stderr = ''
  const code = await runCommandLine(
    argv,
    commands,
    { name: 'wayleave', version: '1.2.3', about: 'a program' },
    {
      out: (text) => {
        stdout += text
      },
      err: (text) => {
        stderr += text
      },
    },
  )
  return { code, stdout, stderr }
}

const cases: readonly [argv: string[], code: number][] = [
  [['paint'], 0],
  [['paint', '--help'], 0],
  [['paint', '--colour'], 2],
  [['paint', '--bogus'], 2],
  [['paint', '--json=yes'], 2],
  [['paint', 'a', 'b'], 2],
  [['refuse'], 1],
  [['house'], 2],
  [['house', 'burn'], 2],
  [['house', 'build'], 1],
  [['bogus'], 2],
  [['bogus', '--help'], 2],
  [['--bogus'], 2],
  [['--version'], 0],
  [['--help'], 0],
  [['help'], 0],
  [[], 2],
]

for (const [argv, code] of cases) {
  test(`with --json standard output is one JSON value and nothing else is said [${argv.join(' ')}]`, async () => {
    for (const given of [
      [...argv, '--json'],
      ['--json', ...argv],
    ]) {
      const answer = await run(...given)
      assert.equal(answer.stderr, '')
      const value = JSON.parse(answer.stdout) as Record<string, unknown>
      assert.equal(typeof value, 'object')
      assert.equal(answer.code, code)
      assert.equal(code === 2, typeof value.error === 'string' && argv[0] !== 'refuse')
    }
  })

  test(`a person reads no JSON, and mistakes on standard error [${argv.join(' ')}]`, async () => {
    if (argv.some((word) => word.startsWith('--json'))) return
    const answer = await run(...argv)
    assert.equal(answer.code, code)
    assert.throws(() => JSON.parse(answer.stdout || answer.stderr) as unknown)
    assert.equal(answer.stderr === '', code !== 2 ? argv[0] !== 'refuse' : argv.length === 0)
  })
}

test('behind -- stands an argument, whatever it looks like', async () => {
  assert.deepEqual(await run('paint', '--', '--json'), { code: 0, stdout: 'painted\n', stderr: '' })
})
