import type { IncomingMessage } from 'node:http'
import type { Output } from './answer/answer-forms.ts'
import { parseDateTime, type WallText } from './wall-clock.ts'

/** One call as received. */
export interface Call {
  readonly method: string
  /** Path without the base path: `Client.GetClientsModified`, `ACL.Login` or any other. */
  readonly function: string
  /** Decoded parameters of the query and of a form. */
  readonly parameters: ReadonlyMap<string, string>
  readonly headers: IncomingMessage['headers']
}

/** The arguments of `Client.GetClientsModified`. */
export interface ReadArguments {
  readonly lastChanged: WallText
  readonly codeMagasin: number
  readonly checkPoint: string | undefined
  readonly limit: number
  readonly output: Output
  /** All arguments but `checkPoint`, as received. A token is valid only with the same ones. */
  readonly others: string
}

/** Binds arguments as .NET does: names are exact, unknown ones are ignored, missing or invalid ones are refused. */
export function readArguments(parameters: ReadonlyMap<string, string>): ReadArguments | { readonly refused: string } {
  const lastChanged = parameters.get('lastChanged')
  const codeMagasin = parameters.get('codeMagasin')
  if (lastChanged === undefined) return { refused: 'missing argument: lastChanged' }
  if (codeMagasin === undefined) return { refused: 'missing argument: codeMagasin' }
  const since = parseDateTime(lastChanged)
  if (since === undefined) return { refused: 'lastChanged is not a DateTime' }
  if (!/^-?\d{1,10}$/.test(codeMagasin)) return { refused: 'codeMagasin is not an Int32' }
  const limit = parameters.get('limit') ?? '100'
  if (!/^[1-9]\d{0,8}$/.test(limit)) return { refused: 'limit is not a positive Int32' }
  const output = parameters.get('output') ?? 'xml'
  if (output !== 'xml' && output !== 'json') return { refused: 'output is neither xml nor json' }
  const others = JSON.stringify([lastChanged, codeMagasin, parameters.get('prefixCle') ?? null, limit, output])
  const checkPoint = parameters.get('checkPoint')
  return { lastChanged: since, codeMagasin: Number(codeMagasin), checkPoint, limit: Number(limit), output, others }
}

/** The parameters of the query and, for a form POST, of the body. */
export async function parametersOf(request: IncomingMessage, query: string): Promise<Map<string, string>> {
  const parameters = new Map(new URLSearchParams(query))
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true
  if (request.method !== 'POST' || !isForm) return parameters
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  for (const [name, value] of new URLSearchParams(body)) parameters.set(name, value)
  return parameters
}
