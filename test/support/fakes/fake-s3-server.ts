import { createHash } from 'node:crypto'
import { errorAnswer, type FaultyS3, type S3Answer, type S3Request, startFaultyS3 } from '../servers/faulty-s3.ts'

export interface FakeS3Object {
  readonly body: Buffer
  readonly etag: string
  readonly headers: Readonly<Record<string, string>>
}

export interface FakeS3Options {
  /** `aws`: matches quoted and unquoted ETags; `ceph`: only unquoted; `weak-on-read`: like a compressing proxy. */
  readonly etags?: 'aws' | 'ceph' | 'weak-on-read'
  /** `ignored`: every write succeeds; `create-only`: ignores If-Match; `not-implemented`: responds 501. */
  readonly conditions?: 'both' | 'create-only' | 'ignored' | 'not-implemented'
}

export interface FakeS3 extends FaultyS3 {
  /** By key; all buckets share one key space. */
  readonly objects: Map<string, FakeS3Object>
  /** All requests in order; `line` is `METHOD key`. */
  readonly requests: { readonly line: string; readonly headers: S3Request['headers'] }[]
}

/** An in-process object store, for behaviour that a real one cannot be made to show. Accepts any credentials. */
export async function startFakeS3({ etags = 'aws', conditions = 'both' }: FakeS3Options = {}): Promise<FakeS3> {
  const objects = new Map<string, FakeS3Object>()
  const requests: FakeS3['requests'] = []
  const server = await startFaultyS3({
    execute: (request) => answerTo(request, { objects, etags, conditions }),
    onRequest: ({ method, url, headers }) => void requests.push({ line: `${method} ${keyIn(url)}`, headers }),
  })
  return { ...server, objects, requests }
}

const keyIn = (url: string) => decodeURIComponent(new URL(url, 'http://fake').pathname.split('/').slice(2).join('/'))

/** An object as the fake stores it. */
export function fakeObject(content: string | Buffer, headers: Readonly<Record<string, string>> = {}): FakeS3Object {
  const body = typeof content === 'string' ? Buffer.from(content) : content
  return { body, etag: `"${createHash('md5').update(body).digest('hex')}"`, headers }
}

/** A page of ListObjectsV2. Its token is the last key. */
function listing(url: string, stored: readonly string[]): S3Answer {
  const asked = new URL(url, 'http://fake').searchParams
  const after = asked.get('continuation-token') ?? ''
  const keys = stored.filter((key) => key.startsWith(asked.get('prefix') ?? '') && key > after).sort()
  const page = keys.slice(0, 1000)
  const contents = page.map((key) => `<Contents><Key>${key}</Key></Contents>`)
  const token = page.length < keys.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
  const body = `<ListBucketResult>${contents.join('')}${token}</ListBucketResult>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}

interface Stored extends Required<FakeS3Options> {
  readonly objects: Map<string, FakeS3Object>
}

function answerTo({ method, url, headers, body }: S3Request, { objects, ...rules }: Stored): S3Answer {
  const key = keyIn(url)
  const current = objects.get(key)
  switch (method) {
    case 'PUT': {
      const refusal = refusalOf(headers, current, rules)
      if (refusal !== undefined) return refusal
      const kept = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-server-side'))
      const stored = fakeObject(body, Object.fromEntries(kept) as Record<string, string>)
      objects.set(key, stored)
      return { status: 200, headers: { etag: stored.etag }, body: '' }
    }
    case 'DELETE':
      objects.delete(key)
      return { status: 204, headers: {}, body: '' }
    default:
      if (key === '') return listing(url, [...objects.keys()])
      if (current === undefined) return errorAnswer(404, 'NoSuchKey')
      return { status: 200, headers: { ...current.headers, etag: readEtag(current, rules) }, body: current.body }
  }
}

const readEtag = ({ etag }: FakeS3Object, { etags }: Required<FakeS3Options>) =>
  etags === 'weak-on-read' ? `W/${etag}` : etag

function refusalOf(
  headers: S3Request['headers'],
  current: FakeS3Object | undefined,
  { etags, conditions }: Required<FakeS3Options>,
): S3Answer | undefined {
  const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = headers
  if (ifNoneMatch === undefined && ifMatch === undefined) return undefined
  if (conditions === 'not-implemented') return errorAnswer(501, 'NotImplemented')
  if (conditions === 'ignored') return undefined
  if (ifNoneMatch !== undefined) return current === undefined ? undefined : errorAnswer(412, 'PreconditionFailed')
  if (conditions === 'create-only') return undefined
  if (current === undefined) return errorAnswer(404, 'NoSuchKey')
  const bare = current.etag.replaceAll('"', '')
  const accepted = etags === 'ceph' ? [bare] : [bare, current.etag]
  return accepted.includes(ifMatch ?? '') ? undefined : errorAnswer(412, 'PreconditionFailed')
}
