import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { readProjectFile } from './markdown-file.ts'

export const outputSchema = JSON.parse(readProjectFile('docs/outputs.schema.json'))

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true })
addFormats.default(ajv)
ajv.addSchema(outputSchema)

/** Returns whether a value has the documented form of this output. */
export function fits(output: string, value: unknown): boolean {
  return ajv.validate({ $ref: `${outputSchema.$id}#/$defs/${output}` }, value)
}

/** Returns the JSON that the connector has printed. Throws unless it has the documented form; nothing may be printed. */
export function mustFit(output: string, json: string): string {
  if (json === '' || fits(output, JSON.parse(json))) return json
  throw new Error(`${output} differs from docs/outputs.schema.json: ${ajv.errorsText()}\n${json}`)
}
