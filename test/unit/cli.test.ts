import { describe, expect, test } from 'vitest'
import { runCli } from '../../connector/cli.ts'
import type { Command, CommandArgs, RunCommand } from '../../connector/commands/command.ts'
import { commandList } from '../../connector/commands/command-list.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import { terminal } from '../support/typed-command.ts'

/** Commands that record their arguments. */
function commands(run: RunCommand = async () => ({ exit: 0 })) {
  const given: CommandArgs[] = []
  const command = (name: string): Command => ({
    name,
    summary: `does ${name}`,
    usage: 'Details.',
    options: {
      config: { short: 'c', value: 'file', description: 'the file' },
      json: { description: 'as JSON' },
      client: { value: 'id', multiple: true, description: 'one of several' },
      as: { value: ['one', 'other'], description: 'how' },
      limit: { value: 'number', range: [1, 1000], description: 'how many' },
    },
    examples: [`${name} --json`],
    load: async () => (args, parts) => {
      given.push(args)
      return run(args, parts)
    },
  })
  const pause: Command = { ...command('pause'), takesStream: true }
  return { given, list: [...['run', 'doctor', 'checkpoint show', 'checkpoint set'].map(command), pause] }
}

/** Types a command that does not end before it is stopped, and then rejects with this error. */
async function stopped(name: string, errorOf: (reason: unknown) => unknown) {
  const stopping = new AbortController()
  const { err, parts } = terminal()
  const { list } = commands(async (_args, { stop }) => {
    stopping.abort(new DOMException('stopped by SIGINT', 'AbortError'))
    throw errorOf(stop.reason)
  })
  return { exit: await runCli(name.split(' '), list, { ...parts, stop: stopping.signal }), err: err.join('\n') }
}

describe('a stop', () => {
  const timedOut = () => new ConnectorError('publish.failed', 'timed out')

  test.each(['doctor', 'pause', 'checkpoint show'])('ends %s with 3, whatever it interrupts', async (name) => {
    for (const errorOf of [(reason: unknown) => reason, timedOut])
      expect(await stopped(name, errorOf)).toEqual({ exit: 3, err: 'stopped before the end: repeat the command' })
  })

  test('is the ordinary end of run, also while it begins', async () => {
    expect(await stopped('run', (reason) => reason)).toEqual({ exit: 0, err: '' })
  })

  test('hides no defect', async () => {
    for (const name of ['run', 'doctor'])
      await expect(stopped(name, () => new TypeError('defect'))).rejects.toThrow('defect')
  })
})

async function type(...argv: string[]) {
  const { out, err, parts } = terminal()
  const { given, list } = commands(async () => ({ exit: 3 }))
  const code = await runCli(argv, list, parts)
  return { code, out: out.join('\n'), err: err.join('\n'), given }
}

describe('the command line', () => {
  test.each(['version', '--version', '-v', '-V'])('%s prints the version', async (flag) => {
    expect(await type(flag)).toMatchObject({ code: 0, out: '1.2.3', err: '' })
  })

  test.each([[['--help']], [['-h']], [['help']], [['help', 'help']], [[]]])('%j lists the commands', async (argv) => {
    const { code, out } = await type(...argv)
    expect(code).toBe(0)
    for (const line of ['run              does run', 'checkpoint show  does checkpoint show'])
      expect(out).toContain(line)
  })

  test.each([[['run', '--help']], [['run', '-h', '--json']], [['help', 'run']]])(
    '%j prints the help of the command and does not run it',
    async (argv) => {
      const { code, out, given } = await type(...argv)
      expect(code).toBe(0)
      expect(out).toContain('Usage: polaris-connector run [options]')
      expect(out).toMatch(/-c, --config <file> +the file$/m)
      expect(out).toMatch(/^ {2} {4}--json +as JSON$/m)
      expect(out).toMatch(/--as <one\|other> +how$/m)
      expect(out).toMatch(
        /\nExamples:\n {2}polaris-connector run --json\n\nDocumentation: docs\/operations\.md#commands$/,
      )
      expect(given).toEqual([])
    },
  )

  test.each([
    [['run', '--config', 'c.yaml', '--json'], { config: 'c.yaml', json: true }],
    [['run', '--config=c.yaml'], { config: 'c.yaml' }],
    [['checkpoint', 'set', '-c', 'c.yaml'], { config: 'c.yaml' }],
    [['run', '--client', 'a', '--client=-b', '--client', '-'], { client: ['a', '-b', '-'] }],
    [['doctor', '--as', 'one', '--limit', '1000'], { as: 'one', limit: '1000' }],
    [['pause', 'paris'], { stream: 'paris' }],
  ])('%j passes the options to the command', async (argv, args) => {
    expect((await type(...argv)).given).toEqual([args])
  })

  test.each([
    [['doctro'], 'unknown command doctro; did you mean doctor?'],
    [['--versoin'], 'unknown option --versoin; did you mean --version?'],
    [['checkpoint'], 'checkpoint requires a subcommand: checkpoint show, checkpoint set'],
    [['run', '--cofnig', 'x'], 'unknown option --cofnig; did you mean --config?'],
    [['run', '--frobnicate'], 'unknown option --frobnicate'],
    [['run', '--config'], '--config requires a value'],
    [['run', '--json=yes'], '--json takes no value'],
    [['run', '--as', 'hunter2'], '--as must be one or other'],
    [['run', '--limit', '0'], '--limit must be a whole number from 1 to 1000'],
    [['run', '--limit', '1001'], '--limit must be a whole number from 1 to 1000'],
    [['run', '--limit', '1e2'], '--limit must be a whole number from 1 to 1000'],
    [['pause', 'paris', 'lyon'], 'pause takes only one stream'],
    [['run', 'hunter2'], 'run takes only options, no arguments'],
  ])('%j is rejected with exit code 2 and a reference to --help', async (argv, what) => {
    const { code, out, err, given } = await type(...argv)
    expect(code).toBe(2)
    expect(err).toContain(what)
    expect(err).toContain('--help')
    expect(err).not.toContain('hunter2')
    expect(out).toBe('')
    expect(given).toEqual([])
  })

  test.each([
    ['config.invalid', 2],
    ['bug', 1],
  ] as const)('prints message and hint of error %s and exits with %i', async (errorCode, exit) => {
    const { err, parts } = terminal()
    const { list } = commands(() => Promise.reject(new ConnectorError(errorCode, 'do the thing')))
    expect(await runCli(['run'], list, parts)).toBe(exit)
    expect(err[0]).toBe('polaris-connector: do the thing')
    expect(err[1]).toMatch(new RegExp(`^${errorCode}: .+`))
  })

  test('rejects with any other error', async () => {
    const { list } = commands(() => Promise.reject(new TypeError('x')))
    await expect(runCli(['run'], list, terminal().parts)).rejects.toThrow(TypeError)
  })
})

test.each(commandList)('$name accepts the options of its examples', async ({ name, examples }) => {
  expect(examples).not.toEqual([])
  for (const example of examples) {
    expect(example.split(' ').slice(0, name.split(' ').length).join(' ')).toBe(name)
    const words = example.replace(/ [<>] .*/, '').split(' ')
    expect(await runCli([...words, '--help'], commandList, terminal().parts), example).toBe(0)
  }
})

describe('lint', () => {
  const yaml = `connector: shops
kafka: { brokers: [k:1] }
checkpoint: { url: "file:./checkpoints" }
streams: [{ polaris: { url: https://p, codeMagasin: 1, auth: basic, user: u, password: hunter2 } }]
`
  const linted = async (file: string, ...flags: string[]) => {
    const { out, err, parts } = terminal({}, { 'c.yaml': file })
    const code = await runCli(['lint', '--config', 'c.yaml', ...flags], commandList, parts)
    return { code, out: out.join('\n'), err: err.join('\n') }
  }

  test('says that the settings are valid', async () => {
    expect(await linted(yaml)).toEqual({ code: 0, out: 'valid: true', err: '' })
  })

  test('prints one line per problem and exits with 2', async () => {
    const { code, out, err } = await linted(`${yaml.replace('[k:1]', '[k]')}htpp: {}\n`)
    expect({ code, err }).toEqual({ code: 2, err: '' })
    expect(out.split('\n')).toEqual([
      'valid: false',
      '',
      'problems',
      '  kafka.brokers[0] (KAFKA_BROKERS): must be host:port; an IPv6 address must have a host name',
      '  htpp: is unknown; did you mean http?',
    ])
  })
})

test.each([['two\nlines'], ['x'.repeat(201)]])(
  'pause refuses a reason that is not one short line: %j',
  async (reason) => {
    const { parts, err } = terminal()
    expect(await runCli(['pause', 'paris', '--reason', reason], commandList, parts)).toBe(2)
    expect(err.join('\n')).toContain('--reason')
  },
)
