import { describe, expect, test } from 'vitest'
import { loadConfig, readConfig } from '../../../connector/config/load-config.ts'
import { fromFile, leastEnvironment, leastFile, now, problems, reading, valid } from './config-sources.ts'

const oneStream = `${leastFile}streams:
  - name: paris
    polaris: { url: https://paris.example.com, codeMagasin: 1, limit: 200 }
`
const twoStreams = `${oneStream}  - name: lyon
    polaris: { url: https://lyon.example.com, codeMagasin: 2 }
    kafka: { topic: client.modified.lyon }
`

const placed = (found: ReturnType<typeof problems>) => found.map(({ line, path, what }) => `${line}: ${path} ${what}`)

describe('a configuration file', () => {
  test('can contain several streams', () => {
    const { streams } = valid(fromFile(twoStreams))
    expect(streams.map(({ name, polaris, kafka }) => [name, polaris.url, polaris.limit, kafka.topic])).toEqual([
      ['paris', 'https://paris.example.com', 200, 'client.modified'],
      ['lyon', 'https://lyon.example.com', 100, 'client.modified.lyon'],
    ])
  })

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
    const [found] = problems(fromFile(merged('limt: 300')))
    expect(found).toMatchObject({ line: 12, path: 'streams[1].polaris.limt' })
  })

  test('takes the stream from the environment when the file has none', () => {
    const { streams } = valid(
      fromFile(leastFile, { POLARIS_URL: 'https://p', POLARIS_CODE_MAGASIN: '3', STREAM_NAME: 'x' }),
    )
    expect(streams).toMatchObject([{ name: 'x', polaris: { url: 'https://p', codeMagasin: 3 } }])
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
    const file = `${oneStream}    poll:\n      interval:\n      backfill: ''\nlog:\n`
    expect(valid(fromFile(file)).streams[0]?.poll).toMatchObject({ interval: 5000, backfill: 'beside' })
  })

  test('is a problem when it cannot be read', () => {
    const loaded = readConfig({ file: 'none.yaml', environment: {}, readFile: reading({}), now })
    expect(problems(loaded)).toEqual([{ file: 'none.yaml', what: 'cannot be read (ENOENT)' }])
  })

  test.each([
    ['a: [hunter2', 1, 'a bracket that is not closed'],
    ['a: hunter2: b', 1, 'in quotes'],
    ['kafka\n  hunter2: x', 1, 'end with a colon'],
    ['a: @hunter2', 1, 'special character'],
    ['a: "hunter2', 1, 'quote'],
    ['a: 1\na: hunter2', 2, 'twice'],
    ['a: hunter2\n\tb: 1', 2, 'not with tabs'],
    ['b: 1\na: !secret hunter2', 2, 'a tag'],
    ['---\na: 1\n---\nb: 2', 3, 'a single document'],
  ])('%j is reported as invalid YAML, with its line and the cause but without its text', (yaml, line, cause) => {
    const found = problems(fromFile(yaml))
    expect(found[0]).toMatchObject({ file: 'c.yaml', what: expect.stringContaining('is not valid YAML') })
    expect(found.map(({ what }) => what).join()).toContain(cause)
    expect(found.some((problem) => problem.line === line)).toBe(true)
    expect(JSON.stringify(found)).not.toContain('hunter2')
  })

  test.each(['just text', '- a\n- b', '5'])('%j is reported as not being a map', (yaml) => {
    expect(problems(fromFile(yaml))).toMatchObject([
      { file: 'c.yaml', what: expect.stringContaining('must be a map of settings') },
    ])
  })

  test('is a problem when an alias has no anchor', () => {
    const found = problems(fromFile('a: *hunter2'))
    expect(found).toMatchObject([{ file: 'c.yaml', what: expect.stringContaining('an alias has no anchor') }])
    expect(JSON.stringify(found)).not.toContain('hunter2')
  })

  test('is a problem when a merge key has no section', () => {
    expect(problems(fromFile('a: { <<: [hunter2] }'))).toMatchObject([
      { file: 'c.yaml', what: expect.stringContaining('<< is not followed by an alias of a section') },
    ])
  })

  test('is a problem when its aliases expand too far', () => {
    const layers = Array.from(
      { length: 9 },
      (_, index) => `l${index + 1}: &l${index + 1} [${Array(9).fill(`*l${index}`).join(', ')}]`,
    )
    const yaml = ['l0: &l0 [x]', ...layers].join('\n')
    expect(problems(fromFile(yaml))).toMatchObject([{ file: 'c.yaml', what: expect.stringContaining('aliases') }])
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
      codeMagasin: '1'
      limt: 5
    poll: { interval: 5, limit: 6 }
    extra: 1
  - polaris:
      url: https://lyon
      prefixCle: 0012
    poll: 5s
htpp: { port: 1 }
`
    expect(placed(problems(fromFile(yaml)))).toEqual([
      '6: checkpoint.url refers to the variable NOWHERE, which is not set',
      '1: connector must be 1 to 63 lower-case letters, digits and hyphens',
      '3: kafka.brokers[0] must be host:port; an IPv6 address must have a host name',
      '4: kafka.compresion is unknown; did you mean compression?',
      '10: streams[0].polaris.url must be http(s)://host[:port][/path], without user, query or fragment',
      '11: streams[0].polaris.codeMagasin must be a whole number from -2147483648 to 2147483647',
      '12: streams[0].polaris.limt is unknown; did you mean limit?',
      '13: streams[0].poll.interval must be a duration such as 500ms, 5s, 5m, 12h or 7d',
      '13: streams[0].poll.limit is unknown here; it exists as streams.polaris.limit',
      '14: streams[0].extra is unknown; must be one of name, polaris, poll, event, deadLetters, kafka, sharedKeys',
      '15: streams[1].polaris.codeMagasin is missing',
      '17: streams[1].polaris.prefixCle must be text: put it in quotes',
      '18: streams[1].poll must be a map of settings',
      '19: htpp is unknown; did you mean http?',
    ])
  })

  test('name the section for TLS, which has another name for Kafka than for Polaris', () => {
    const yaml = 'kafka:\n  tls: { ca: ca.pem }\nstreams:\n  - polaris:\n      ssl: { ca: ca.pem }\n'
    expect(placed(problems(fromFile(yaml)))).toEqual(
      expect.arrayContaining([
        '2: kafka.tls is unknown; did you mean ssl?',
        '5: streams[0].polaris.ssl is unknown; did you mean tls?',
      ]),
    )
  })

  test('name the variable that can set a missing value', () => {
    const found = problems(fromFile('connector: shops\nstreams:\n  - name: a\n    polaris: { url: https://p }\n'))
    expect(placed(found)).toContain('4: streams[0].polaris.codeMagasin is missing (or set POLARIS_CODE_MAGASIN)')
  })

  test('name the variable instead of the line when the value comes from the environment', () => {
    expect(problems(fromFile(oneStream, { POLARIS_LIMIT: 'many' }))).toEqual([
      { variable: 'POLARIS_LIMIT', path: 'streams[0].polaris.limit', what: 'must be a whole number from 1 to 1000' },
    ])
  })

  test('are listed in one config.invalid error', () => {
    const load = () =>
      loadConfig({ file: 'c.yaml', environment: {}, readFile: reading({ 'c.yaml': 'connector: A\nx: 1\n' }), now })
    expect(load).toThrow(
      expect.objectContaining({
        code: 'config.invalid',
        message: expect.stringMatching(/c\.yaml:1: connector: must be 1 to 63[\s\S]*c\.yaml:2: x: is unknown/),
      }),
    )
  })
})

describe('variables of one stream', () => {
  test('are an error when the file has several streams', () => {
    expect(
      problems(fromFile(twoStreams, { POLARIS_LIMIT: '5', KAFKA_TOPIC: 'x', STREAM_NAME: 'y', LOG_LEVEL: 'warn' })),
    ).toEqual([
      {
        variable: 'STREAM_NAME',
        what: 'applies to a single stream, but the file has several: set name in each stream',
      },
      {
        variable: 'POLARIS_LIMIT',
        what: 'applies to a single stream, but the file has several: set polaris.limit in each stream',
      },
      {
        variable: 'KAFKA_TOPIC',
        what: 'applies to a single stream, but the file has several: set kafka.topic in each stream',
      },
    ])
  })

  test('can be used by the streams of a file', () => {
    const file = `${twoStreams}    deadLetters: {}\n`.replaceAll(
      'codeMagasin',
      `auth: basic, user: u, password: "\${POLARIS_PASSWORD}", codeMagasin`,
    )
    const { streams } = valid(fromFile(file, { POLARIS_PASSWORD: 'p' }))
    expect(streams.map(({ polaris }) => polaris.password?.reveal())).toEqual(['p', 'p'])
  })
})

describe(`\${VARIABLE} in a file`, () => {
  const withPrefix = (value: string) =>
    `${leastFile}streams:\n  - polaris:\n      url: https://p\n      codeMagasin: 1\n      prefixCle: ${value}\n`
  const prefixCle = (value: string, environment = {}, files = {}) =>
    valid(fromFile(withPrefix(value), environment, files)).streams[0]?.polaris.prefixCle

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
kafka:
  brokers: \${BROKERS}
  topics:
    create: \${CREATE}
checkpoint:
  url: s3://\${BUCKET}/polaris
http:
  port: \${PORT}
streams:
  - polaris:
      url: https://p
      codeMagasin: \${STORE}
      listFields: [Cartes, "\${LISTS}"]
`
    const settings = valid(
      fromFile(
        file,
        { BROKERS: 'x:1,y:2', CREATE: 'false', BUCKET: 'bucket', PORT: '9', STORE: '7', LISTS: 'a,b' },
        {},
      ),
    )
    expect(settings).toMatchObject({
      http: { port: 9 },
      kafka: { brokers: ['x:1', 'y:2'], topics: { create: false } },
      checkpoint: { url: 's3://bucket/polaris' },
      streams: [{ polaris: { codeMagasin: 7, listFields: ['Cartes', 'a,b'] } }],
    })
  })

  test('is replaced by the content of the file that VARIABLE_FILE names', () => {
    expect(prefixCle(`\${KEY}`, { KEY_FILE: '/run/key' }, { '/run/key': 'k\n' })).toBe('k')
  })

  test.each([
    ['unset', `\${NOWHERE}`, 'refers to the variable NOWHERE, which is not set'],
    ['empty', `\${EMPTY}`, 'refers to the variable EMPTY, which is not set'],
    ['without a name', `"\${}"`, `contains \${ without a valid variable name`],
    ['with a default', `"\${A:-b}"`, `contains \${ without a valid variable name`],
    ['without a closing brace', `"\${A"`, `contains \${ without a valid variable name`],
  ])('is a problem when %s', (_, written, what) => {
    const found = problems(fromFile(withPrefix(written), { EMPTY: '', A: 'a' }))
    expect(found).toMatchObject([
      { line: 10, path: 'streams[0].polaris.prefixCle', what: expect.stringContaining(what) },
    ])
  })

  test('may have a name that resembles a setting', () => {
    expect(prefixCle(`\${POLARIS_PASSWORD_2}`, { POLARIS_PASSWORD_2: 'x' })).toBe('x')
    expect(problems(fromFile(oneStream, { POLARIS_PASSWORD_2: 'x' }))).toHaveLength(1)
  })
})
