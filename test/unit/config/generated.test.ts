import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { settingList } from '../../../connector/config/setting-list.ts'
import { configJsonSchema } from '../../../scripts/generate/config-json-schema.ts'
import { staleFiles } from '../../../scripts/generate.ts'
import { fromFile, valid } from './config-sources.ts'

// What the generator would write is compared with the files.

describe('generated files', () => {
  test('are up to date (else: npm run generate)', () => expect(staleFiles()).toEqual([]))

  test('every setting has a description', () => {
    expect(settingList().filter(({ description }) => description.length < 4)).toEqual([])
  })

  test('the JSON schema accepts a variable wherever the file does', () => {
    const { port } = JSON.parse(configJsonSchema()).properties.http.properties
    expect(port).toMatchObject({ type: ['integer', 'string'], minimum: 0, maximum: 65_535 })
    const { interval } = JSON.parse(configJsonSchema()).properties.streams.items.properties.poll.properties
    for (const [pattern, text] of [
      [port.pattern, `\${PORT}`],
      [interval.pattern, `\${X}`],
      [interval.pattern, '5s'],
    ]) {
      expect(new RegExp(pattern).test(text)).toBe(true)
    }
    for (const [pattern, text] of [
      [port.pattern, '8080'],
      [interval.pattern, '5'],
    ])
      expect(new RegExp(pattern).test(text)).toBe(false)
  })
})

test('the example file is a valid configuration', () => {
  const yaml = readFileSync(new URL('../../../config/connector.example.yaml', import.meta.url), 'utf8')
  const secrets = { KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p', POLARIS_USER: 'u', POLARIS_PASSWORD: 'p' }
  expect(valid(fromFile(yaml, secrets)).streams).toHaveLength(1)
  // The second stream, which is commented out, is valid as well.
  const second = yaml.replace(/^ {2}# (- name: lyon)/m, '  $1').replaceAll(/^ {2}# {3}(polaris|kafka):/gm, '    $1:')
  expect(valid(fromFile(second, secrets)).streams.map(({ name }) => name)).toEqual(['paris', 'lyon'])
})
