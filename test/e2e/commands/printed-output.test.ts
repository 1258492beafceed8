import { expect, it } from 'vitest'
import { expectNothingPersonal } from '../../support/nothing-personal.ts'
import { scene, untilCaughtUp } from '../../support/stream-scene.ts'

it('every command prints JSON with --json, and nothing else to standard output', async () => {
  const { start, environment } = await scene()
  const run = async (name: string, options = '--json', more: readonly string[] = []) => {
    const started = start({}, [...name.split(' '), ...options.replace('STREAM', 'clients').split(' '), ...more])
    expect(await started.exitCode(), started.output()).toBe(0)
    return JSON.parse(started.printed())
  }
  // doctor.test.ts and cli.test.ts test the JSON of doctor and lint.
  const [preview, checkpoint] = await Promise.all(['preview', 'checkpoint show'].map((name) => run(name)))
  expect(preview).toMatchObject({ masked: true, records: [{ topic: environment.KAFKA_TOPIC }, {}, {}] })
  expect(checkpoint).toEqual({ streams: [{ stream: 'clients', remark: 'no checkpoint' }] })

  expect(await start({}, untilCaughtUp).exitCode()).toBe(0)
  expect(await run('audit')).toMatchObject({ stream: 'clients', agree: true })
  expect(await run('audit', '--json', ['--client', 'unknown'])).toMatchObject({
    ...{ agree: true, client: { isNothingLeft: true, isInSource: false, records: [] } },
  })
  expect(await run('checkpoint show')).toMatchObject({ streams: [{ events: 200, history: 'done' }] })
  expect(await run('checkpoint show', 'STREAM --json')).toMatchObject({ events: 200, history: 'done' })
})

it('preview prints the first events, masked unless asked otherwise', async () => {
  const { start, simulator } = await scene()
  const preview = async (...options: string[]) => {
    const started = start({}, ['preview', ...options])
    expect(await started.exitCode(), started.output()).toBe(0)
    return started.printed()
  }
  const [masked, shown, json] = await Promise.all([
    preview('--limit', '30'),
    preview('--show-data', '--limit', '1'),
    preview('--limit', '2', '--json'),
  ])
  expect(masked).toMatch(/^stream: clients\nsince: \S+\nmasked: true\n/)
  expect(masked.match(/^ {2}key: 9+$/gm)).toHaveLength(30)
  expectNothingPersonal([masked, json])
  const [first] = simulator.changes
  expect(shown).toMatch(new RegExp(`^ {2}key: ${first?.clientId}$`, 'm'))
  expect(shown).toContain(`subject: ${first?.clientId}`)
})
