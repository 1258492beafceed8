import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** An HTTP response before it is sent. */
export interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: Buffer
}

export function textAnswer(status: number, text: string, contentType = 'text/plain; charset=utf-8'): Answer {
  return { status, headers: { 'content-type': contentType }, body: Buffer.from(text) }
}

export const LOGIN_PAGE = `<!DOCTYPE html>
<html><head><title>Polaris - Connexion</title></head><body>
<form method="post" action="/login"><label>Utilisateur <input name="user"></label>
<label>Mot de passe <input type="password" name="password"></label><button>Connexion</button></form>
</body></html>
`

export function sendAnswer(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, { 'content-length': answer.body.length, ...answer.headers })
  response.end(answer.body)
}
