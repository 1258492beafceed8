/** A response of at most 32 MiB that needs much memory or time, and what the source must make of it. */
export interface HostilePage {
  readonly output: 'json' | 'xml'
  readonly body: () => string
  /** Default: UTF-8. */
  readonly encoding?: 'utf16le'
  readonly contentType?: string
  /** The code of the error, or the number of clients. */
  readonly expected: string | number
}

const BODY_BYTES = 31.5 * 1024 * 1024

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

const json = (body: () => string, expected: HostilePage['expected'], more: Partial<HostilePage> = {}): HostilePage => {
  return { output: 'json', body, expected, ...more }
}
const xml = (body: () => string, expected: HostilePage['expected'], more: Partial<HostilePage> = {}): HostilePage => {
  return { output: 'xml', body, expected, ...more }
}
const TOO_LARGE = 'source.answer-too-large'
const MALFORMED = 'source.answer-malformed'

/** An object with nine keys, of which other objects hardly have the same ones in the same order. */
const oddObject = (at: number, text: string) =>
  `{${Array.from({ length: 9 }, (_, key) => `"k${(at * 7919 + key * 31) % 5000}":"${text}"`).join(',')}}`

export const hostilePages: Readonly<Record<string, HostilePage>> = {
  'json: an ordinary large page': json(
    () => various(`${CLIENT}}`, (at) => `,{"No":"${at}","Nom":"${'é'.repeat(300)}"}`, ']}'),
    53_000,
  ),
  'json: as many odd objects as allowed, in two bytes a character': json(
    () => various(`${CLIENT}}`, (at) => `,${oddObject(at, '€aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')}`, ']}', 49_000),
    49_001,
  ),
  'json: empty clients': json(() => filled(`${JSON_HEAD}{}`, ',{}', ']}'), TOO_LARGE),
  'json: too many clients': json(() => `${JSON_HEAD}{}${',{}'.repeat(240_000)}]}`, TOO_LARGE),
  'json: as many empty clients as allowed': json(() => `${JSON_HEAD}{}${',{}'.repeat(99_999)}]}`, 100_000),
  'json: numbers in a client': json(() => filled(`${CLIENT},"a":[1`, ',1', ']}]}'), 1),
  'json: fractions in a client': json(() => filled(`${CLIENT},"a":[1`, ',1.50', ']}]}'), 1),
  'json: fractions beside the clients': json(() => filled('{"hasMoreResults":false,"a":[1', ',1.50', ']}'), TOO_LARGE),
  'json: lists in a client': json(() => filled(`${CLIENT},"a":[[]`, ',[]', ']}]}'), 1),
  'json: lists beside the clients': json(() => filled('{"hasMoreResults":false,"a":[[]', ',[]', ']}'), TOO_LARGE),
  'json: names in a client': json(() => various(CLIENT, (at) => `,"${at.toString(36)}":1`, '}]}'), 1),
  'json: 5,500 names in a client of 48 KB': json(() => various(CLIENT, (at) => `,"${at}":1`, '}]}', 5_500), 1),
  'json: names in a page': json(
    () => various('{"hasMoreResults":false', (at) => `,"${at.toString(36)}":1`, '}'),
    TOO_LARGE,
  ),
  'json: as many names as allowed in a page': json(
    () => various('{"hasMoreResults":false', (at) => `,"${at.toString(36)}":1`, '}', 9_900),
    0,
  ),
  'json: short escapes': json(() => filled(`${CLIENT},"a":"`, '\\b', '"}]}'), TOO_LARGE),
  'json: escapes': json(() => filled(`${CLIENT},"a":"`, '\\u0000', '"}]}'), 1),
  'json: escaped quotes': json(() => filled(`${CLIENT},"a":"`, '\\"', '"}]}'), 1),
  'json: repeated tokens': json(() => filled('{"hasMoreResults":false', ',"checkPoint":"a"', '}'), TOO_LARGE),
  'json: nested objects': json(() => `${'{"a":'.repeat(1_000_000)}1${'}'.repeat(1_000_000)}`, MALFORMED),
  'json: nested lists': json(() => '['.repeat(3_000_000) + ']'.repeat(3_000_000), MALFORMED),
  'json: nested objects in a client': json(
    () => `${CLIENT},"x":${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}}]}`,
    MALFORMED,
  ),
  'json: UTF-16': json(() => `\ufeff${CLIENT},"a":"${'é'.repeat(15_000_000)}"}]}`, 1, { encoding: 'utf16le' }),
  'json: blank': json(() => ' '.repeat(BODY_BYTES), 'source.answer-not-a-page'),
  'xml: an ordinary large page': xml(
    () => filled(XML_HEAD, `<InfoClient><No>1</No><Nom>${'é'.repeat(300)}</Nom></InfoClient>`, XML_TAIL),
    50_000,
  ),
  'xml: empty elements': xml(() => filled('<r>', '<a/>', '</r>'), TOO_LARGE),
  'xml: empty elements in a client': xml(() => filled(XML_CLIENT, '<a/>', XML_CLIENT_TAIL), 1),
  'xml: empty clients': xml(() => filled(XML_HEAD, '<InfoClient/>', XML_TAIL), TOO_LARGE),
  'xml: elements with attributes': xml(() => filled(XML_HEAD, '<C a=""/>', XML_TAIL), TOO_LARGE),
  'xml: as many elements with attributes as allowed': xml(
    () => `${XML_HEAD}${'<C a="1"/>'.repeat(100_000)}${XML_TAIL}`,
    100_000,
  ),
  'xml: as many nested elements as allowed': xml(
    () => `${XML_HEAD}${'<C><a><b/></a><c>x</c></C>'.repeat(99_000)}${XML_TAIL}`,
    99_000,
  ),
  'xml: 5,500 names in a client': xml(() => various(XML_CLIENT, (at) => `<a${at}/>`, XML_CLIENT_TAIL, 5_500), 1),
  'xml: as many names as allowed in a page': xml(
    () => various('<Page><hasMoreResults>false</hasMoreResults>', (at) => `<a${at}/>`, '</Page>', 109_000),
    0,
  ),
  'xml: names in a page': xml(
    () => various('<Page><hasMoreResults>false</hasMoreResults>', (at) => `<a${at}/>`, '</Page>', 499_000),
    TOO_LARGE,
  ),
  'xml: too many clients': xml(() => `${XML_HEAD}${'<C a=""/>'.repeat(120_000)}${XML_TAIL}`, TOO_LARGE),
  'xml: attributes': xml(() => various('<Page', (at) => ` a${at}=""`, '/>'), TOO_LARGE),
  'xml: attributes in a client': xml(
    () => various(`${XML_HEAD}<InfoClient No="1"`, (at) => ` a${at}=""`, `/>${XML_TAIL}`, 400_000),
    1,
  ),
  'xml: references in a client': xml(() => filled(`${XML_CLIENT}<a>`, '&lt;', `</a>${XML_CLIENT_TAIL}`), 1),
  'xml: references in an attribute': xml(
    () => filled(`${XML_HEAD}<InfoClient No="1" a="`, '&lt;', `"/>${XML_TAIL}`),
    1,
  ),
  'xml: CDATA': xml(() => filled(`${XML_CLIENT}<a>`, '<![CDATA[a]]>', `</a>${XML_CLIENT_TAIL}`), 1),
  'xml: CDATA beside the clients': xml(() => filled('<Page><a>', '<![CDATA[a]]>', '</a></Page>'), TOO_LARGE),
  'xml: comments': xml(() => filled(XML_HEAD, '<!---->', XML_TAIL), 0),
  'xml: a long name': xml(() => filled('<', 'a', '/>'), 'source.answer-not-a-page'),
  'xml: nested': xml(() => '<a>'.repeat(1_000_000), MALFORMED),
  'xml: nested in a client': xml(() => filled(XML_CLIENT, '<a>', ''), MALFORMED),
  'xml: blank': xml(() => '\n'.repeat(BODY_BYTES), 'source.answer-not-a-page'),
  'xml: a claimed charset': xml(() => filled(XML_CLIENT, '<a>é</a>', XML_CLIENT_TAIL), 1, {
    contentType: 'text/xml; charset=iso-8859-1',
  }),
}
