/** Recognises by their text answers that are no pages. All take decoded text. */

/** More is no message for somebody to read. */
const LONGEST_MESSAGE = 20_000

/** An HTML page. */
export function isHtml(text: string): boolean {
  const start = text.slice(0, 2000)
  return /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)*<(?:!doctype\s+html|html|head|body)\b/i.test(start)
}

const passwordField = /<input\b[^>]{0,500}\btype\s*=\s*["']?password\b/i
const loginForm = /<form\b[^>]{0,500}\b(?:login|logon|connexion|identification)/i

/** An HTML page that asks for a password. */
export function isLoginPage(text: string): boolean {
  return isHtml(text) && (passwordField.test(text) || loginForm.test(text))
}

const loggedOutWords =
  /session|log(?:ged)?[\s-]?(?:in|out|on)\b|authenti[fc]|identifi(?:ez|é|cation)|(?:non|pas|not)\s+connect|unauthori[sz]ed|d[eé]connect/i

/** A message that there is no session, or no longer. */
export function saysLoggedOut(text: string): boolean {
  return text.length < LONGEST_MESSAGE && loggedOutWords.test(text)
}

const rights = /(?:consultation|saisie)\s+des\s+membres/i
const forbiddenWords =
  /droits?\b[^.<]{0,40}\b(?:insuffisant|requis|n[eé]cessaire|manquant)|acc[eè]s\s+(?:refus|interdit)|access\s+(?:is\s+)?denied|permission/i

/** A message that names one of the rights that reading clients needs. */
export function namesRights(text: string): boolean {
  return text.length < LONGEST_MESSAGE && rights.test(text)
}

/** A message that the user may not do this. */
export function saysForbidden(text: string): boolean {
  return namesRights(text) || (text.length < LONGEST_MESSAGE && forbiddenWords.test(text))
}

const credentialWords = /mot\s+de\s+passe|password|utilisateur|\buser|credential|identifiant|log[io]n/i

/** A message about a user and a password. */
export function speaksOfCredentials(text: string): boolean {
  return text.length < LONGEST_MESSAGE && credentialWords.test(text)
}
