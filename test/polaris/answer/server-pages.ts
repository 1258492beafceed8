import type { Answer } from './answer.ts'

/**
 * What IIS, http.sys, ASP.NET, WCF and common proxies send when the service behind them is starting, stopped or broken.
 * Statuses, titles and key phrases only, written for these tests.
 */

const html = (status: number, title: string, body = `<h1>${title}</h1>`, headers: Answer['headers'] = {}): Answer => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8', ...headers },
  body: Buffer.from(`<!DOCTYPE html>\r\n<html><head><title>${title}</title></head><body>${body}</body></html>\r\n`),
})
const plain = (status: number, text: string, type = 'text/plain'): Answer => ({
  status,
  headers: { 'content-type': type },
  body: Buffer.from(text),
})
const iis = { server: 'Microsoft-IIS/10.0' }
/** IIS shows these details to callers on the same machine, or to all if configured so. */
const detailed = (error: string): string =>
  `<h2>HTTP Error ${error}</h2><table><tr><th>Requested URL</th><td>http://polaris:80/core/api/ACL.Login</td></tr><tr><th>Logon Method</th><td>Anonymous</td></tr><tr><th>Logon User</th><td>Anonymous</td></tr></table>`
const iisDetails = (error: string): Answer =>
  html(Number.parseInt(error, 10), `IIS 10.0 Detailed Error - ${error}`, detailed(error), iis)
const httpSys = (status: number, title: string, sentence: string): Answer =>
  html(status, title, `<h2>${title}</h2><hr><p>HTTP Error ${status}. ${sentence}</p>`, {
    server: 'Microsoft-HTTPAPI/2.0',
  })
const stackTrace =
  '[NullReferenceException: Object reference not set to an instance of an object.]\n   Polaris.Acl.CheckPassword(String user, String password) +42\n   at Polaris.Acl.Login(String user, String password)'
const loginForm = (action: string): string =>
  `<form method="post" action="${action}"><input name="UserName"><input type="password" name="Password"></form>`
const soapFault =
  '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:InternalServiceFault</faultcode><faultstring>The server was unable to process the request due to an internal error.</faultstring></s:Fault></s:Body></s:Envelope>'
const to = (location: string): Answer =>
  html(302, 'Object moved', `<h2>Object moved to <a href="${location}">here</a>.</h2>`, { location })

export const serverPages = {
  'IIS 401.2': html(401, '401 - Unauthorized: Access is denied due to server configuration.', undefined, {
    ...iis,
    'www-authenticate': 'Negotiate',
  }),
  'IIS 403.14': iisDetails('403.14 - Forbidden'),
  'IIS 403': html(
    403,
    '403 - Forbidden: Access is denied.',
    '<h2>403 - Forbidden: Access is denied.</h2><h3>You do not have permission to view this directory or page using the credentials that you supplied.</h3>',
    iis,
  ),
  'IIS 403.503, IP address rejected': iisDetails('403.503 - Forbidden'),
  'IIS 404': html(404, '404 - File or directory not found.', undefined, iis),
  'IIS 404.0': iisDetails('404.0 - Not Found'),
  'IIS 405': html(405, '405 - HTTP verb used to access this page is not allowed.', undefined, iis),
  'IIS 500': html(500, '500 - Internal server error.', undefined, iis),
  'IIS 500.19': iisDetails('500.19 - Internal Server Error'),
  'IIS 500.30': html(500, 'HTTP Error 500.30 - ANCM In-Process Start Failure', undefined, iis),
  'IIS 502.3': iisDetails('502.3 - Bad Gateway'),
  'IIS 502.5': html(502, 'HTTP Error 502.5 - ANCM Out-Of-Process Startup Failure', undefined, iis),
  'http.sys 400': httpSys(400, 'Bad Request', 'The request hostname is invalid.'),
  'http.sys 404': httpSys(404, 'Not Found', 'The requested resource is not found.'),
  'http.sys 503': httpSys(503, 'Service Unavailable', 'The service is unavailable.'),

  'ASP.NET error page': html(
    500,
    'Object reference not set to an instance of an object.',
    `<h1>Server Error in '/' Application.</h1><pre>${stackTrace}</pre>`,
    iis,
  ),
  'ASP.NET runtime error': html(
    500,
    'Runtime Error',
    "<h1>Server Error in '/' Application.</h1><h2>Runtime Error</h2>",
    iis,
  ),
  'ASP.NET error page in French': html(
    500,
    'La référence d’objet n’est pas définie à une instance d’un objet.',
    `<h1>Erreur du serveur dans l'application '/'.</h1><pre>à Polaris.Acl.VerifierMotDePasse(String utilisateur)</pre>`,
    iis,
  ),
  'ASP.NET custom error redirect': to('/core/api/erreur.aspx?aspxerrorpath=/core/api/Client.GetClientsModified'),
  'ASP.NET app_offline.htm': html(
    503,
    'Application hors ligne',
    '<p>Mise à jour en cours. Merci de patienter.</p>',
    iis,
  ),
  'ASP.NET 2 app_offline.htm': html(404, 'Site Under Construction', '<p>Application Offline</p>', iis),
  'ASP.NET maintenance page with status 200': html(
    200,
    'Maintenance en cours',
    '<p>Le service sera de nouveau disponible à 6 h.</p>',
    iis,
  ),
  'ASMX, unknown method': html(
    500,
    'System.InvalidOperationException',
    'Request format is unrecognized for URL unexpectedly ending in /Client.GetClientsModified.',
    iis,
  ),
  'database unreachable, in a document': plain(
    200,
    '<?xml version="1.0"?><Error><Message>SQL Server does not exist or access denied.</Message></Error>',
    'text/xml',
  ),
  'database login failed, in a document': plain(
    200,
    '<?xml version="1.0"?><Exception><Message>Cannot open database "Polaris" requested by the login. The login failed.</Message></Exception>',
    'text/xml',
  ),
  'database timeout, in a document': plain(
    200,
    '<?xml version="1.0"?><Erreur>Délai d’attente expiré : SQL Server ne répond pas.</Erreur>',
    'text/xml',
  ),

  'WCF endpoint not found': html(404, 'Service', '<p class="heading1">Service</p><p>Endpoint not found.</p>'),
  'WCF request error': html(
    400,
    'Request Error',
    '<p class="heading1">Request Error</p><p>The server encountered an error processing the request. See server logs for more details.</p>',
  ),
  'WCF activation failure': plain(500, 'The requested service could not be activated.'),
  'SOAP fault': plain(500, soapFault, 'text/xml; charset=utf-8'),
  'SOAP fault with status 200': plain(200, soapFault, 'text/xml; charset=utf-8'),

  'nginx 404': html(404, '404 Not Found', '<center><h1>404 Not Found</h1></center><hr><center>nginx</center>'),
  'nginx 502': html(502, '502 Bad Gateway', '<center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center>'),
  'nginx 504': html(
    504,
    '504 Gateway Time-out',
    '<center><h1>504 Gateway Time-out</h1></center><hr><center>nginx</center>',
  ),
  'Apache proxy error': html(
    502,
    '502 Proxy Error',
    '<h1>Proxy Error</h1><p>Reason: <strong>Error reading from remote server</strong></p>',
  ),
  'HAProxy 503': plain(
    503,
    '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n',
    'text/html',
  ),
  'Traefik 404': plain(404, '404 page not found\n'),
  'Envoy 503': plain(
    503,
    'upstream connect error or disconnect/reset before headers. reset reason: connection failure',
  ),
  'Squid ERR_CONNECT_FAIL': html(
    503,
    'ERROR: The requested URL could not be retrieved',
    '<p>Connection to 10.0.0.5 failed.</p>',
    { 'x-squid-error': 'ERR_CONNECT_FAIL 111' },
  ),
  'Squid ERR_DNS_FAIL': html(
    503,
    'ERROR: The requested URL could not be retrieved',
    '<p>Unable to determine IP address from host name.</p>',
    { 'x-squid-error': 'ERR_DNS_FAIL 0' },
  ),
  'Squid ERR_READ_TIMEOUT': html(504, 'ERROR: The requested URL could not be retrieved', '<p>Read Timeout</p>', {
    'x-squid-error': 'ERR_READ_TIMEOUT 0',
  }),
  'Squid ERR_ACCESS_DENIED': html(403, 'ERROR: The requested URL could not be retrieved', '<p>Access Denied.</p>', {
    'x-squid-error': 'ERR_ACCESS_DENIED 0',
  }),
  'Squid ERR_CACHE_ACCESS_DENIED': html(407, 'ERROR: Cache Access Denied', undefined, {
    'x-squid-error': 'ERR_CACHE_ACCESS_DENIED 0',
    'proxy-authenticate': 'Basic realm="proxy"',
  }),
  'Cloudflare 520': plain(520, 'error code: 520'),
  'Cloudflare 521': html(521, 'polaris.example.com | 521: Web server is down'),
  'Cloudflare 522': html(522, 'polaris.example.com | 522: Connection timed out'),
  'Cloudflare 524': html(524, 'polaris.example.com | 524: A timeout occurred'),
  'Cloudflare 525': html(525, 'polaris.example.com | 525: SSL handshake failed'),
  'Cloudflare challenge': html(403, 'Just a moment...', '<p>Enable JavaScript and cookies to continue</p>', {
    'cf-mitigated': 'challenge',
  }),

  'captive portal redirect': to('http://portail.example.net/accueil?url=polaris'),
  'captive portal page': html(200, 'Portail Wi-Fi', loginForm('/portail')),
  'captive portal 511': html(
    511,
    'Network Authentication Required',
    '<p>You need to <a href="http://portail.example.net/">authenticate with the network</a>.</p>',
  ),
  'ADFS sign-in redirect': to('https://adfs.example.com/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3apolaris'),
  'ADFS sign-in page': html(200, 'Sign In', loginForm('/adfs/ls/')),
  'cloud sign-in redirect': to('https://login.example.com/common/oauth2/v2.0/authorize?client_id=polaris'),
  'form login page': html(200, 'Polaris - Connexion', loginForm('/login.aspx?ReturnUrl=%2fcore%2fapi')),
} as const satisfies Readonly<Record<string, Answer>>

export type ServerPage = keyof typeof serverPages
