import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { says } from '../../support/connector-process.ts'
import { expectNothingPersonal } from '../../support/nothing-personal.ts'
import { scene, untilCaughtUp } from '../../support/stream-scene.ts'

// The built commands run on real servers; what they print is compared with its schema and with the topic.

test('preview prints the first events, masked unless asked otherwise', async () => {
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

/** The schema, for which any other field is a mistake. */
const closed = (text: string) =>
  JSON.parse(text, (_, value) => (value?.properties === undefined ? value : { additionalProperties: false, ...value }))

test.each([
  { POLARIS_OUTPUT: 'xml', EVENT_MODE: 'structured' },
  {
    POLARIS_OUTPUT: 'json',
    EVENT_MODE: 'binary',
    EVENT_OTHER_FIELDS: 'drop',
    POLARIS_CLIENT_ID_FIELD: 'No',
    EVENT_FIELDS: 'No: keep\nCartes: keep',
  },
])('preview --schema fits all events that are published, has all their fields and no value: %j', async (settings) => {
  const types =
    'ChiffreAffaires: decimal\nAccepteMailing: boolean\nCartes.Points: integer\nCartes.Carte.Points: integer'
  const here = await scene({ environment: { EVENT_TYPES: types, ...settings } })
  expect(await here.start({}, untilCaughtUp).exitCode()).toBe(0)
  const records = await here.records()
  expect(records.length).toBeGreaterThanOrEqual(200)
  const schema = async (...options: string[]) => {
    const preview = here.start({}, ['preview', '--schema', ...options])
    expect(await preview.exitCode(), preview.output()).toBe(0)
    return preview.printed()
  }
  const printed = await schema()
  expectNothingPersonal([printed])
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false, allErrors: true })
  const fits = ajv.compile(closed(printed))
  for (const { value } of records) {
    const client = settings.EVENT_MODE === 'binary' ? value : (value as { data: unknown }).data
    expect(fits(client), JSON.stringify([fits.errors, client])).toBe(true)
  }
  expect(printed).toMatch(/"type": "integer"/)
  expect(JSON.parse(printed)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'clients of the stream clients',
    $comment: 'in 200 of 200 clients',
    properties: { No: { $comment: 'in 200 of 200 clients', type: 'string' } },
  })
  expect(JSON.parse(await schema('--limit', '30', '--json')).$comment).toBe('in 30 of 30 clients')
})

test('every command prints JSON as it is described', async () => {
  const { start, simulator } = await scene()
  const replica = start()
  await replica.line(says('caught up'))
  const client = ['--client', String(simulator.clientIds[0])]
  for (const args of [
    ['lint'],
    ['checkpoint', 'show'],
    ['checkpoint', 'show', 'clients'],
    ['doctor', '--acls'],
    ['audit', '--ids', 'missing'],
    ['audit', ...client],
    ['checkpoint', 'rewind', '--to', 'beginning'],
    ['pause'],
    ['resume'],
    ['erase', ...client],
  ]) {
    const command = start({}, [...args, '--json'])
    expect(await command.exitCode(), command.output()).toBeLessThan(2)
    expect(command.printed(), command.output()).not.toBe('')
  }
})
