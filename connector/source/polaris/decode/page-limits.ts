import { ConnectorError } from '../../../runtime/connector-error.ts'
import { MAX_DEPTH } from './answer-node.ts'

// What is built of a response is limited, since a response of 32 KB could otherwise exhaust the memory.

/** Whatever `limit` is. */
export const MAX_CLIENTS = 100_000
/** Fields, attributes, items and texts of a page. At worst they take 50 MB, and `JSON.parse` 0.4 s. */
export const MAX_NODES = 500_000
/** A client with more nodes becomes a dead letter. No page has more fields beside its list of clients. */
export const MAX_CLIENT_FIELDS = 10_000
/** A larger client becomes a dead letter, whatever the topic accepts. */
export const MAX_CLIENT_BYTES = 4 * 1024 * 1024
/** What is kept of a client beyond its limits: its id should be there. */
export const FIRST_NODES = 200
export const FIRST_BYTES = 4096

const tooLarge = (why: string) => new ConnectorError('source.answer-too-large', `decode page: ${why}`)

export const tooManyNodes = () => tooLarge(`more than ${MAX_NODES} fields and items`)
export const tooManyFields = () => tooLarge(`more than ${MAX_CLIENT_FIELDS} fields beside the list of clients`)
export const tooLargeAround = () =>
  tooLarge(`an object around the clients has more than ${MAX_CLIENT_FIELDS} fields or ${MAX_CLIENT_BYTES} bytes`)
export const tooManyClients = () => tooLarge(`more than ${MAX_CLIENTS} clients`)
export const tooDeep = () =>
  new ConnectorError('source.answer-malformed', `decode page: nested deeper than ${MAX_DEPTH} levels`)
