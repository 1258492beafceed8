/** A record of the events topic. */
interface WithHeaders {
  readonly headers: Readonly<Record<string, string>>
  readonly value: string | Buffer | null
}

/** Only what is asserted of it. */
export type AnyEvent = Readonly<Record<string, unknown>>

/**
 * The CloudEvent in a record, as the consumer guide says: its headers tell the mode. Not the connector's own code, which
 * it checks. Numbers are the text that stands in the JSON.
 */
export function eventIn({ headers, value }: WithHeaders): AnyEvent {
  if (headers['content-type'] === 'application/cloudevents+json') {
    const event = parsed(String(value)) as AnyEvent
    const differs = ['type', 'source'].filter((name) => headers[name] !== event[name])
    differs.push(...Object.keys(headers).filter((name) => name.startsWith('ce_')))
    if (differs.length > 0) throw new Error(`headers and event differ: ${differs}`)
    return event
  }
  if (headers.ce_specversion !== '1.0') throw new Error(`no event: ${Object.keys(headers)}`)
  const attributes = Object.entries(headers).filter(([name]) => name.startsWith('ce_'))
  const event = Object.fromEntries(attributes.map(([name, text]) => [name.slice('ce_'.length), text]))
  return value === null ? event : { ...event, data: parsed(String(value)) }
}

/** The JSON text of the client in an event. */
export function clientText({ headers, value }: WithHeaders): string {
  const text = String(value ?? '')
  return headers.ce_specversion === undefined ? text.slice(text.indexOf('"data":') + '"data":'.length, -1) : text
}

const parsed = (json: string): unknown =>
  JSON.parse(json, (_, value: unknown, at?: { readonly source?: string }) =>
    typeof value === 'number' ? at?.source : value,
  )
