import { describe, expect, test } from 'vitest'
import { problemText } from '../../../connector/config/config-problem.ts'
import { byPath, fromFile, leastEnvironment, leastFile, problems, valid } from './config-sources.ts'

// Texts of files are loaded with an environment that the test gives.

const oneStream = `${leastFile}streams:
  - name: paris
    polaris: { url: https://paris.example.com, codeMagasin: 1, limit: 200 }
`
const twoStreams = `${oneStream}  - name: lyon
    polaris: { url: https://lyon.example.com, codeMagasin: 2 }
    kafka: { topic: client.modified.lyon }
`

describe('a configuration file', () => {
  test('can write settings that several streams share once, with an anchor and a merge key', () => {
    const merged = (limit: string) => `${leastFile}streams:
  - name: paris
    polaris: &server { url: https://polaris.example.com, codeMagasin: 1, limit: 200 }
  - name: lyon
    polaris:
      <<: *server
      ${limit}
      codeMagasin: 2
    kafka: { topic: client.modified.lyon }
`
    const { streams } = valid(fromFile(merged('output: json')))
    expect(streams.map(({ polaris }) => [polaris.url, polaris.codeMagasin, polaris.limit, polaris.output])).toEqual([
      ['https://polaris.example.com', 1, 200, 'xml'],
      ['https://polaris.example.com', 2, 200, 'json'],
    ])
    expect(problems(fromFile(merged('limt: 300')))).toMatchObject([{ place: 'streams[1].polaris.limt' }])
  })

  test('is overridden by the environment', () => {
    const settings = valid(
      fromFile(oneStream, { CONNECTOR_ID: 'other', POLARIS_LIMIT: '7', KAFKA_BROKERS: 'k:1', POLL_INTERVAL: '1m' }),
    )
    expect(settings).toMatchObject({
      connector: 'other',
      kafka: { brokers: ['k:1'] },
      streams: [{ name: 'paris', polaris: { url: 'https://paris.example.com', limit: 7 }, poll: { interval: 60_000 } }],
    })
  })

  test('takes everything from the environment when the file is empty', () => {
    expect(valid(fromFile('', leastEnvironment)).connector).toBe('shops')
    expect(valid(fromFile('# nothing\n', leastEnvironment)).connector).toBe('shops')
  })

  test('treats empty values as unset', () => {
    const file = `${oneStream}    poll:\n      interval:\n      backfill: ''\n    event:\n      fields:\n      types: {}\nlog:\n`
    expect(valid(fromFile(file)).streams[0]).toMatchObject({
      poll: { interval: 5000, backfill: 'beside' },
      event: { fields: {}, types: {} },
    })
  })

  const reference = (name: string) => `$\{${name}}`
  const oneOf = 'must be one of keep, drop, hmac'
  test.each([
    ['event: { fields: { Mail: } }', `streams[0].event.fields.Mail (EVENT_FIELDS): ${oneOf}`],
    ['event: { fields: { Mail: "" } }', `streams[0].event.fields.Mail (EVENT_FIELDS): ${oneOf}`],
    [
      `event: { fields: { Mail: "${reference('EMPTY')}" } }`,
      'streams[0].event.fields.Mail (EVENT_FIELDS): refers to the variable EMPTY, which is not set',
    ],
    ['event: { fields: "Mail:" }', `streams[0].event.fields.Mail (EVENT_FIELDS): ${oneOf}`],
    [
      `event: { fields: "Mail: ${reference('EMPTY')}" }`,
      'streams[0].event.fields (EVENT_FIELDS): refers to the variable EMPTY, which is not set',
    ],
    [
      'event: { types: { Points: } }',
      'streams[0].event.types.Points (EVENT_TYPES): must be one of integer, decimal, boolean',
    ],
    [
      'polaris: { headers: { X-Key: } }',
      'streams[0].polaris.headers (POLARIS_HEADERS): must have a value of printable ASCII characters',
    ],
  ])('a rule without a value is a problem, and does not vanish: %s', (section, expected) => {
    const yaml = `${leastFile}streams:\n  - ${section}\n`
    expect(problems(fromFile(yaml, { ...leastEnvironment, EMPTY: '' })).map(problemText)).toContain(expected)
  })

  test.each([
    ['a: [hunter2', 1],
    ['a: 1\na: hunter2', 2],
    ['a: hunter2\n\tb: 1', 2],
    ['b: 1\na: !secret hunter2', 2],
    ['---\na: 1\n---\nb: 2', 3],
  ])('%j is reported as invalid YAML, with its line but without its text', (yaml, line) => {
    const found = problems(fromFile(yaml))
    expect(found[0]?.what).toContain('is not valid YAML')
    expect(found.map(({ place }) => place)).toContain(`c.yaml:${line}`)
    expect(JSON.stringify(found)).not.toContain('hunter2')
  })

  test.each([
    [
      `a:\n  - { b: 1, c: ${reference('PW')}, d: 2 }\n  - { b: [${reference('X')}], c: ${reference('Y')} }\ne: { f: 1 }\n`,
      [
        `c.yaml:2: has ${reference('PW')} inside braces: write "${reference('PW')}"`,
        `c.yaml:3: has ${reference('X')} inside braces: write "${reference('X')}"`,
        `c.yaml:3: has ${reference('Y')} inside braces: write "${reference('Y')}"`,
      ],
    ],
    ['a: 1\n b: 2\nc: 3\n', ['c.yaml:1: is not valid YAML (block as implicit key): check indentation']],
    ['a: { b: 1 }}\nc: 2\nd: { e: 3 }\n', ['c.yaml:1: is not valid YAML (unexpected token): check indentation']],
    [
      'a: 1\na: 2\nb: @x\n\tc: 1\n',
      [
        'c.yaml:2: is not valid YAML (duplicate key): remove the key here or above',
        'c.yaml:3: is not valid YAML (bad scalar start): check indentation, and put the value in quotes',
        'c.yaml:4: is not valid YAML (tab as indent): indent with spaces',
      ],
    ],
  ])('gives one problem for each mistake: %j', (yaml, expected) => {
    const found = problems(fromFile(yaml)).map(problemText)
    expect(found).toEqual(expected.map((line) => expect.stringContaining(line)))
  })

  test.each(['just text', '- a\n- b', '5'])('%j is reported as not being a map', (yaml) => {
    expect(problems(fromFile(yaml))).toEqual([{ place: 'the configuration file', what: 'must be a map of settings' }])
  })

  test('is a problem when an alias has no anchor, a merge key no section, or aliases expand too far', () => {
    const layer = (at: number) => `l${at + 1}: &l${at + 1} [${Array(9).fill(`*l${at}`).join(', ')}]`
    const bomb = ['l0: &l0 [x]', ...Array.from({ length: 9 }, (_, at) => layer(at))].join('\n')
    for (const yaml of ['a: *hunter2', 'a: { <<: [hunter2] }', bomb]) {
      const found = problems(fromFile(yaml))
      expect(found).toEqual([{ place: 'c.yaml', what: expect.stringContaining('check the aliases') }])
    }
  })
})

describe('problems of a configuration file', () => {
  test('are reported all at once, each with line, path and how to correct it', () => {
    const yaml = `connector: Shops
kafka:
  brokers: [kafka]
  compresion: none
checkpoint:
  url: \${NOWHERE}
streams:
  - name: paris
    polaris:
      url: https://u:hunter2@paris
      codeMagasin: one
      limt: 5
    poll: { interval: 5, limit: 6 }
    extra: 1
  - polaris:
      url: https://lyon
      prefixCle: 0012
    poll: 5s
htpp: { port: 1 }
`
    expect(problems(fromFile(yaml)).map(byPath)).toEqual([
      'checkpoint.url refers to the variable NOWHERE, which is not set',
      'connector must be 1 to 63 lower-case letters, digits and hyphens',
      'kafka.brokers[0] must be host:port; an IPv6 address must have a host name',
      'kafka.compresion is unknown; did you mean compression?',
      'streams[0].polaris.url must be http(s)://host[:port][/path], without user, query or fragment',
      'streams[0].polaris.codeMagasin must be a whole number from -2147483648 to 2147483647',
      'streams[0].polaris.limt is unknown; did you mean limit?',
      'streams[0].poll.interval must be a duration such as 500ms, 5s, 5m, 12h or 7d',
      'streams[0].poll.limit is unknown; must be one of interval, lookBack, fullScan, backfill',
      'streams[0].extra is unknown; must be one of name, polaris, poll, event, deadLetters, kafka, sharedKeys',
      'streams[1].polaris.codeMagasin is missing',
      'streams[1].polaris.prefixCle must be text: put it in quotes',
      'streams[1].poll must be a map of settings',
      'htpp is unknown; did you mean http?',
    ])
  })

  test('name the variable of a single stream only', () => {
    const wrong = (file: string) => problems(fromFile(`${file}    poll: { interval: 5 }\n`)).map(({ place }) => place)
    expect(wrong(oneStream)).toEqual(['streams[0].poll.interval (POLL_INTERVAL)'])
    expect(wrong(twoStreams)).toEqual(['streams[1].poll.interval'])
  })
})

describe('variables of one stream', () => {
  test('are an error when the file has several streams', () => {
    expect(
      problems(fromFile(twoStreams, { POLARIS_LIMIT: '5', KAFKA_TOPIC: 'x', STREAM_NAME: 'y', LOG_LEVEL: 'warn' })),
    ).toEqual([
      {
        place: 'STREAM_NAME',
        what: expect.stringMatching(/^applies to a single stream, .*: set name in each stream$/),
      },
      { place: 'POLARIS_LIMIT', what: expect.stringContaining('set polaris.limit in each stream') },
      { place: 'KAFKA_TOPIC', what: expect.stringContaining('set kafka.topic in each stream') },
    ])
  })
})

describe(`\${VARIABLE} in a file`, () => {
  const withPrefix = (value: string) =>
    `${leastFile}streams:\n  - polaris:\n      url: https://p\n      codeMagasin: 1\n      prefixCle: ${value}\n`
  const prefixCle = (value: string, environment: Record<string, string>) =>
    valid(fromFile(withPrefix(value), environment)).streams[0]?.polaris.prefixCle

  test.each([
    [`"\${A}"`, 'a'],
    [`"x-\${A}-\${B}"`, `x-a-\${A}`],
    [`"$\${A}"`, `\${A}`],
    [`"$\${\${A}"`, `\${a`],
    ['"$A $$ {A}"', '$A $$ {A}'],
  ])('%s is %j', (written, expected) => {
    // The value of a variable is not substituted again.
    expect(prefixCle(written, { A: 'a', B: `\${A}` })).toBe(expected)
  })

  test('can be a number, a boolean or a list', () => {
    const file = `connector: shops
kafka: { brokers: "\${BROKERS}", topics: { create: "\${CREATE}" } }
checkpoint: { url: "s3://\${BUCKET}/polaris" }
streams: [{ polaris: { url: https://p, codeMagasin: "\${STORE}", listFields: [Cartes, "\${LISTS}"] } }]
`
    const environment = { BROKERS: 'x:1,y:2', CREATE: 'false', BUCKET: 'bucket', STORE: '7', LISTS: 'a;b' }
    expect(valid(fromFile(file, environment))).toMatchObject({
      kafka: { brokers: ['x:1', 'y:2'], topics: { create: false } },
      checkpoint: { url: 's3://bucket/polaris' },
      streams: [{ polaris: { codeMagasin: 7, listFields: ['Cartes', 'a;b'] } }],
    })
  })

  test.each([
    ['empty', `\${NOWHERE}`, 'refers to the variable NOWHERE, which is not set'],
    ['with a default', `"\${A:-b}"`, `contains \${ without a valid variable name`],
    ['without a closing brace', `"\${A"`, `contains \${ without a valid variable name`],
  ])('is a problem when %s', (_, written, what) => {
    const found = problems(fromFile(withPrefix(written), { NOWHERE: '', A: 'a' }))
    expect(found.map(byPath)).toEqual([expect.stringContaining(`streams[0].polaris.prefixCle ${what}`)])
  })
})
