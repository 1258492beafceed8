import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { breakingChanges } from '../../../scripts/contract/breaking-changes.ts'
import { contractProblems, releasedFolder } from '../../../scripts/contract/released.ts'

// A schema is changed in one place, and the changes that break its readers are named.

const before = {
  'event.schema.json': {
    $id: 'urn:example:event:1',
    description: 'An event',
    type: 'object',
    required: ['id', 'data'],
    properties: {
      id: { type: 'string', pattern: '^[0-9]+$' },
      data: { $ref: '#/$defs/client' },
      note: { type: 'string', description: 'A note' },
    },
    $defs: { client: { type: 'object', additionalProperties: { anyOf: [{ type: 'string' }, { type: 'array' }] } } },
  },
}
type Schema = (typeof before)['event.schema.json']

/** The breaking changes when the schema becomes what `change` returns. */
function found(change: (schema: Schema) => object): string[] {
  const after = structuredClone(before['event.schema.json'])
  return breakingChanges(before, { 'event.schema.json': { ...after, ...change(after) } })
}

describe('a contract stays compatible when', () => {
  test.each<[string, (schema: Schema) => object]>([
    ['nothing changes', () => ({})],
    [
      'an optional property is added',
      ({ properties }) => ({ properties: { ...properties, zone: { type: 'string' } } }),
    ],
    [
      'the text of a property changes',
      ({ properties }) => ({ properties: { ...properties, note: { type: 'string', description: 'Other' } } }),
    ],
  ])('%s', (_, change) => {
    expect(found(change)).toEqual([])
  })

  test('it breaks everything in a new major version', () => {
    expect(found(() => ({ $id: 'urn:example:event:2', properties: {} }))).toEqual([])
  })
})

describe('a contract breaks when', () => {
  const at = 'event.schema.json'
  test.each<[string, (schema: Schema) => object, string]>([
    [
      'a property gets another type',
      ({ properties }) => ({ properties: { ...properties, note: { type: 'number' } } }),
      `${at}/properties/note/type went from "string" to "number"`,
    ],
    [
      'a property called like a keyword that is only text is removed',
      () => ({ properties: { id: before[at].properties.id, data: before[at].properties.data } }),
      `${at}/properties/note was removed`,
    ],
    ['a property becomes required', () => ({ required: ['id', 'data', 'note'] }), `${at}/required went from`],
    [
      'a pattern changes',
      ({ properties }) => ({ properties: { ...properties, id: { type: 'string', pattern: '^.+$' } } }),
      `${at}/properties/id/pattern went from "^[0-9]+$" to "^.+$"`,
    ],
    [
      'a value inside a definition changes',
      () => ({ $defs: { client: { type: 'object', additionalProperties: { anyOf: [{ type: 'string' }] } } } }),
      `${at}/$defs/client/additionalProperties/anyOf went from`,
    ],
    [
      'the major version decreases',
      () => ({ $id: 'urn:example:event:0' }),
      `${at}: the major version went from 1 to 0`,
    ],
  ])('%s', (_, change, expected) => {
    expect(found(change)).toEqual([expect.stringContaining(expected)])
  })

  test('a schema is removed', () => {
    expect(breakingChanges(before, {})).toEqual(['event.schema.json was removed'])
  })
})

describe('the released contracts', () => {
  function newFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'contract-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    return folder
  }
  function plant(folder: string, version: string, contract: object): void {
    mkdirSync(join(folder, version))
    for (const [file, schema] of Object.entries(contract))
      writeFileSync(join(folder, version, file), JSON.stringify(schema))
  }

  test('break neither each other nor the present one', () => {
    expect(contractProblems(releasedFolder)).toEqual([])
  })

  test('are compared in the order of their versions, the last one with the present contract', () => {
    const folder = newFolder()
    const schema = { ...before['event.schema.json'], properties: {} }
    plant(folder, '1.9.0', before)
    expect(contractProblems(folder, before)).toEqual([])
    expect(contractProblems(folder, { 'event.schema.json': schema })).toHaveLength(3)
    plant(folder, '1.10.0', { 'event.schema.json': schema }) // hides nothing: it breaks 1.9.0
    expect(contractProblems(folder, { 'event.schema.json': schema })).toHaveLength(3)
  })
})
