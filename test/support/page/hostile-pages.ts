/** A response of at most 16 MiB that needs much memory or time, and what the source must make of it. */
export interface HostilePage {
  readonly output: 'json' | 'xml'
  readonly body: () => string
  readonly contentType?: string
  /** The code of the error, or the number of clients. */
  readonly expected: string | number
}

const BODY_BYTES = 15.9 * 1024 * 1024

/** The unit as often as it fits into a body. */
function filled(head: string, unit: string, tail: string): string {
  return head + unit.repeat(Math.floor((BODY_BYTES - head.length - tail.length) / Buffer.byteLength(unit))) + tail
}

/** What `part` returns for 0, 1, 2 and so on, until a body is full. */
function various(head: string, part: (at: number) => string, tail: string, count = Number.POSITIVE_INFINITY): string {
  const parts = [head]
  for (let at = 0, length = head.length; at < count && length < BODY_BYTES - 1000; at += 1) {
    const next = part(at)
    parts.push(next)
    length += Buffer.byteLength(next)
  }
  return parts.join('') + tail
}

const JSON_HEAD = '{"hasMoreResults":false,"checkPoint":null,"Clients":['
const CLIENT = `${JSON_HEAD}{"No":"1"`
const XML_HEAD = '<Page><hasMoreResults>false</hasMoreResults><checkPoint/><Clients>'
const XML_TAIL = '</Clients></Page>'
const XML_CLIENT = `${XML_HEAD}<InfoClient><No>1</No>`
const XML_CLIENT_TAIL = `</InfoClient>${XML_TAIL}`

const json = (body: () => string, expected: HostilePage['expected']): HostilePage => ({
  output: 'json',
  body,
  expected,
})
const xml = (body: () => string, expected: HostilePage['expected']): HostilePage => ({ output: 'xml', body, expected })
const TOO_LARGE = 'source.answer-too-large'
const MALFORMED = 'source.answer-malformed'

/** Just below the limit of structural characters. */
const MANY = 499_000
const distinct = (count: number, part: (at: string) => string) => (head: string, tail: string) =>
  various(head, (at) => part(at.toString(36)), tail, count)

/** An object with keys that hardly another one has in the same order. */
const oddObject = (at: number) =>
  `{${Array.from({ length: 110 }, (_, key) => `"k${(at * 7919 + key * 31) % 5000}":"€aaaaaaaaaaaaaaaaaaaaaaaa"`).join(',')}}`

export const hostilePages: Readonly<Record<string, HostilePage>> = {
  'json: as many odd clients as allowed, in two bytes a character': json(
    () => various(`${CLIENT}}`, (at) => `,${oddObject(at)}`, ']}', 1_999),
    2_000,
  ),
  'json: too many clients': json(() => filled(`${JSON_HEAD}{}`, ',{}', ']}'), TOO_LARGE),
  'json: as many lists as allowed': json(() => `${CLIENT},"a":[[]${',[]'.repeat(MANY / 2)}]}]}`, 1),
  'json: as many names as allowed in a client': json(
    () => distinct(MANY / 2, (name) => `,"${name}":1.50`)(CLIENT, '}]}'),
    1,
  ),
  'json: as many escapes as allowed': json(() => `${CLIENT},"a":"${'\\u0000'.repeat(MANY)}"}]}`, 1),
  'json: nested lists': json(() => '['.repeat(3_000_000) + ']'.repeat(3_000_000), MALFORMED),
  'json: minus signs': json(() => filled(`${CLIENT},"a":`, '-', '}]}'), MALFORMED),
  'json: too many bytes': json(() => ' '.repeat(17 * 1024 * 1024), TOO_LARGE),
  'xml: too many clients': xml(() => `${XML_HEAD}${'<C a=""/>'.repeat(2_001)}${XML_TAIL}`, TOO_LARGE),
  'xml: as many elements as allowed': xml(
    () => distinct(MANY / 2, (name) => `<a${name}>1</a${name}>`)(XML_CLIENT, XML_CLIENT_TAIL),
    1,
  ),
  'xml: as many attributes as allowed': xml(
    () => distinct(MANY / 2, (name) => ` a${name}=""`)(`${XML_HEAD}<InfoClient No="1"`, `/>${XML_TAIL}`),
    1,
  ),
  'xml: as many forbidden references as allowed': xml(
    () => `${XML_CLIENT}<a>${'&#0;'.repeat(MANY)}</a>${XML_CLIENT_TAIL}`,
    1,
  ),
  'xml: CDATA that does not end': xml(() => `${XML_CLIENT}${'<![CDATA[&#0;'.repeat(MANY / 2)}`, MALFORMED),
  'xml: nested': xml(() => '<a>'.repeat(400_000), MALFORMED),
  'xml: a claimed charset': {
    ...xml(() => `${XML_CLIENT}<a>${'é'.repeat(7_000_000)}</a>${XML_CLIENT_TAIL}`, 1),
    contentType: 'text/xml; charset=iso-8859-1',
  },
}
