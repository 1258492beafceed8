// Recognise, by words, what a response says. The texts are those of a `ServerMessage`, so their length is limited.

export function isHtml(text: string): boolean {
  const start = text.slice(0, 2000)
  return /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)*<(?:!doctype\s+html|html|head|body)\b/i.test(start)
}

const passwordField = /<input\b[^>]{0,500}\btype\s*=\s*["']?password\b/i
const loginForm = /<form\b[^>]{0,500}\b(?:login|logon|connexion|identification)/i

/** Whether the text is an HTML page that asks for a password. */
export function isLoginPage(text: string): boolean {
  return isHtml(text) && (passwordField.test(text) || loginForm.test(text))
}

const loggedOutWords =
  /session|log(?:ged)?[\s-]?(?:in|out|on)\b|authenti[fc]|identifi(?:ez|é|cation)|(?:non|pas|not)\s+connect|unauthori[sz]ed|d[eé]connect/i

const troubleWords =
  /\bsql\b|database|base\s+de\s+donn|\bodbc\b|\bole\s?db\b|network\s+path|chemin\s+r[eé]seau|^[ \t]*(?:at|à)\s+[\w.`<>]+\(/im

/** Whether the message is about the inside of the server, such as its database or a stack trace. */
function isAboutServer(text: string): boolean {
  return troubleWords.test(text)
}

/** Whether the message reports that there is no session, or that it has expired. */
export function saysLoggedOut(text: string): boolean {
  return loggedOutWords.test(text) && !isAboutServer(text)
}

const rights = /(?:consultation|saisie)\s+des\s+membres/i
const forbiddenWords =
  /droits?\b[^.<]{0,40}\b(?:insuffisant|requis|n[eé]cessaire|manquant)|acc[eè]s\s+(?:refus|interdit)|access\s+(?:is\s+)?denied|permission/i

/** Whether the message names a right that is required to read clients. */
export function namesRights(text: string): boolean {
  return rights.test(text)
}

/** Whether the message reports missing permissions. */
export function saysForbidden(text: string): boolean {
  return namesRights(text) || (forbiddenWords.test(text) && !isAboutServer(text))
}

const credentialWords = /mot\s+de\s+passe|password|utilisateur|\buser|credential|identifiant|log[io]n/i

/** Whether the message reports that the user or the password is wrong, and nothing else. */
export function saysWrongCredentials(text: string): boolean {
  return credentialWords.test(text) && !isAboutServer(text)
}

const passwordWords =
  /mot\s+de\s+passe|passw(?:or)?d|credential|identifiant|(?:utilisateur|user)\s+(?:inconnu|unknown|not\s+found)|login\s+failed/i

/** Whether the message mentions a password. The error pages of IIS always mention a user. */
export function mentionsPassword(text: string): boolean {
  return passwordWords.test(text)
}
