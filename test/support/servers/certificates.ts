import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** PEM files: an authority, and its certificates for a server (localhost, 127.0.0.1) and a client (CN=connector). */
export interface Certificates {
  readonly authority: string
  readonly serverKey: string
  readonly serverCertificate: string
  /** Key and certificate in one file. */
  readonly serverBoth: string
  readonly clientKey: string
  readonly clientCertificate: string
}

const VALID_DAYS = 90

/** Creates the certificates in `directory`, unless they exist. */
export function makeCertificates(directory: string): Certificates {
  const path = (name: string) => join(directory, name)
  const made = {
    authority: path('authority.crt'),
    serverKey: path('server.key'),
    serverCertificate: path('server.crt'),
    serverBoth: path('server.pem'),
    clientKey: path('client.key'),
    clientCertificate: path('client.crt'),
  }
  if (existsSync(made.clientCertificate)) return made
  const openssl = (command: string) => execFileSync('openssl', command.split(' '), { cwd: directory, stdio: 'pipe' })
  openssl(`req -x509 ${newKey} -days ${VALID_DAYS} -subj /CN=authority -keyout authority.key -out authority.crt`)
  for (const [name, subject] of [
    ['server', 'localhost'],
    ['client', 'connector'],
  ] as const) {
    writeFileSync(path(`${name}.ext`), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
    openssl(`req ${newKey} -subj /CN=${subject} -keyout ${name}.key -out ${name}.csr`)
    openssl(`x509 -req -in ${name}.csr ${byAuthority} -days ${VALID_DAYS} -extfile ${name}.ext -out ${name}.crt`)
  }
  writeFileSync(made.serverBoth, readFileSync(made.serverKey, 'utf8') + readFileSync(made.serverCertificate, 'utf8'))
  return made
}

const newKey = '-newkey rsa:2048 -nodes' // openssl 3 writes PKCS#8, which Kafka requires
const byAuthority = '-CA authority.crt -CAkey authority.key -CAcreateserial'
