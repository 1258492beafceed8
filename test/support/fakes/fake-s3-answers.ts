/** What the fake S3 answers. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

export function errorAnswer(status: number, code?: string): Answer {
  const body =
    code === undefined
      ? ''
      : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>planted secret</Message></Error>`
  return { status, headers: { 'content-type': 'application/xml', 'x-amz-request-id': 'req-1' }, body }
}

export const htmlAnswer = (status: number, html: string): Answer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: html,
})

/** A page of ListObjectsV2. Its token is the last key. */
export function listing(url: string, stored: readonly string[]): Answer {
  const asked = new URL(url, 'http://fake').searchParams
  const after = asked.get('continuation-token') ?? ''
  const keys = stored.filter((key) => key.startsWith(asked.get('prefix') ?? '') && key > after).sort()
  const page = keys.slice(0, 1000)
  const contents = page.map((key) => `<Contents><Key>${key}</Key></Contents>`)
  const token = page.length < keys.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
  const body = `<ListBucketResult>${contents.join('')}${token}</ListBucketResult>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}
