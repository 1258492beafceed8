/*
 * The texts are bytes of any encoding, as Latin 1. Each character of a secret may stand in them as it is, or escaped as
 * in XML, in JSON, in an address or in a form.
 */

/** A shorter secret may be in any word: it is hidden only where it is a whole value. */
const LEAST_LENGTH = 6

/** Returns the text with `***` for each secret, and for the user where that is a whole value. */
export function withoutSecrets(text: string, secrets: ReadonlySet<string>, user: string): string {
  // A flag of an answer stays, also where a cookie has the same value.
  const hidden = [...secrets, user].filter((secret) => !/^(?:true|false|[01]?)$/i.test(secret))
  const patterns = hidden.map((secret) =>
    secret === user || secret.length < LEAST_LENGTH ? wholeValue(secret) : secretPattern(secret),
  )
  return patterns.length === 0 ? text : text.replaceAll(new RegExp(patterns.join('|'), 'gm'), '***')
}

/** A whole value of an element, an attribute, a JSON string, a header or an argument, or a whole line. */
const wholeValue = (secret: string) =>
  String.raw`(?<=(?:^|^[\w-]+:|[>"'=[])\s{0,99})${secretPattern(secret)}(?=\s*(?:$|[<"'\\\]&#;>]))`

/** The characters of UTF-16 have null bytes. */
const secretPattern = (secret: string) => Array.from(secret, characterPattern).join('\0?')

/** Any named entity may be the character: too much is hidden rather than too little. */
function characterPattern(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const bytes = [Buffer.from(character), Buffer.from(character, 'latin1')].map((one) => one.toString('hex'))
  const inAnyCase = (hex: string) => hex.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
  const units = Buffer.from(character, 'utf16le').swap16().toString('hex')
  const forms = [
    ...bytes.map((hex) => hex.replaceAll(/../g, '\\x$&')),
    ...bytes.map((hex) => inAnyCase(hex.replaceAll(/../g, '%$&'))),
    inAnyCase(units.replaceAll(/..../g, '\\\\u$&')),
    `&(?:#0*${code}|#[xX]0*${inAnyCase(code.toString(16))}|[a-zA-Z]+);`,
    character === ' ' ? '\\+' : [],
  ]
  return `\\\\?(?:${forms.flat().join('|')})`
}

/** A character that a token may have, also escaped. */
const sign = String.raw`(?:[\w!#$()*+./=?@^|~-]|&#?\w+;|\\u[\da-fA-F]{4}|\\/|%[\da-fA-F]{2})`
const longRuns = new RegExp(String.raw`${sign}{16,}|\b\d{5,}\b`, 'g')
const wholeWords = new RegExp(
  String.raw`<\?[^>]*>|(?<=(?:^|[>"'[&])\s{0,99})${sign}+(?=\s*(?:$|[<\]&]|["'](?!\s*:)))`,
  'gm',
)

/**
 * Hides what may be a token of a session, but for whole values that match `kept`. The form of a token stays, so that
 * the pattern of a setting still finds it.
 */
export const withoutTokens = (body: string, kept: RegExp): string =>
  body
    .replaceAll(longRuns, (run) => (/\d/.test(run) ? zeros(run) : run))
    .replaceAll(wholeWords, (word) => (word.startsWith('<') || kept.test(word) ? word : zeros(word)))

/** The name in `name=token` stays. */
const zeros = (run: string) =>
  run.replaceAll(/(^[a-z_-]+=(?=[^=]))|&#?\w+;|\\u.{4}|\\\/|%[\da-f]{2}|[a-z\d]/gi, (_, name = '0') => name)
