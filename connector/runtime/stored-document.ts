import { z } from 'zod'
import { ConnectorError } from './connector-error.ts'
import type { ErrorCode } from './error-catalogue.ts'

interface StoredKind<Document> {
  /** The whole text of the document. */
  readonly text: string
  /** For error messages. */
  readonly name: string
  /** The only format that this version supports. */
  readonly format: number
  readonly schema: z.ZodType<Document>
  readonly damaged: ErrorCode
  readonly unknownFormat: ErrorCode
}

const versioned = z.object({ format: z.number() })

/** Checks the JSON of a stored document. Throws `damaged`, or `unknownFormat` for another format. Never guesses. */
export function storedDocument<Document>(value: unknown, kind: StoredKind<Document>): Document {
  const { text, name, format, schema, damaged, unknownFormat } = kind
  if (value === undefined)
    throw new ConnectorError(damaged, `read ${name}: its ${text.length} characters are not valid JSON`)
  const found = versioned.safeParse(value)
  if (found.success && found.data.format !== format) {
    const only = `format ${found.data.format} is not supported, this version supports only format ${format}`
    throw new ConnectorError(unknownFormat, `read ${name}: ${only}`)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ConnectorError(damaged, `read ${name}: invalid document at ${problemPlaces(parsed.error)}`)
}

/** Invariant 8: reports the paths, never a value. */
function problemPlaces({ issues }: z.ZodError): string {
  const places = issues.map(({ path }) => path.join('.') || 'the top level')
  return places.slice(0, 5).join(', ')
}
