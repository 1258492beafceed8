import asyncApiSchema from '@asyncapi/specs/schemas/3.0.0.json' with { type: 'json' }
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect, test } from 'vitest'
import { readProjectFile } from '../../support/documentation/markdown-file.ts'

const document = JSON.parse(readProjectFile('contract/v1/asyncapi.json'))

/** AsyncAPI's own schema, which includes the Kafka bindings. */
function asyncApiValidator() {
  const ajv = new Ajv({ strict: false, meta: false }) // the file includes the meta-schema
  addFormats.default(ajv)
  return ajv.compile(asyncApiSchema)
}

/** What `#/a/b` refers to in the document. */
const target = (reference: string) =>
  reference
    .slice(2)
    .split('/')
    .reduce((value, name) => value?.[name], document)

test('the AsyncAPI document fits the schema of AsyncAPI 3, also its Kafka bindings', () => {
  const isValid = asyncApiValidator()
  expect(document.asyncapi).toBe('3.0.0')
  expect(isValid(document), JSON.stringify(isValid.errors?.slice(0, 5))).toBe(true)
  const wrong = structuredClone(document)
  wrong.channels.clients.bindings.kafka.partitions = 'six'
  expect(isValid(wrong)).toBe(false)
})

test('every reference in the AsyncAPI document has a target, and every component is used', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"(#[^"]+)"/g)].map(
    ([, reference = '']) => reference,
  )
  for (const reference of references) expect(target(reference), reference).toBeDefined()
  const { messages, schemas } = document.components
  const components = [
    ...Object.keys(messages).map((name) => `#/components/messages/${name}`),
    ...Object.keys(schemas).map((name) => `#/components/schemas/${name}`),
  ]
  expect(references).toEqual(expect.arrayContaining(components))
})

test('the examples of each message fit its payload', () => {
  const ajv = new Ajv2020({ strict: false })
  addFormats.default(ajv)
  ajv.addSchema({ $id: 'https://asyncapi.example/', ...document })
  type Message = { payload: { $ref?: string }; headers?: object; examples?: { payload: unknown; headers?: unknown }[] }
  const messages = Object.entries<Message>(document.components.messages)
  const checked = messages.flatMap(([name, { payload, headers = {}, examples = [] }]) =>
    examples.map((one) => {
      const schema = payload.$ref === undefined ? payload : { $ref: `https://asyncapi.example/${payload.$ref}` }
      expect(ajv.validate(schema, one.payload), `${name}: ${ajv.errorsText()}`).toBe(true)
      if (one.headers !== undefined) expect(ajv.validate(headers, one.headers), ajv.errorsText()).toBe(true)
      return name
    }),
  )
  expect(checked).toEqual([
    ...Array(4).fill('clientModified'),
    ...Array(4).fill('clientModifiedBinary'),
    'clientErased',
    'deadLetter',
    'deadLetter',
  ])
})
