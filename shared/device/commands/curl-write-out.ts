// curl -w: figures of a transfer by name.

export interface TransferReport {
  readonly url: string;
  readonly method: string;
  readonly status: number;
  readonly httpVersion: string;
  readonly contentType: string;
  readonly redirectUrl: string;
  readonly redirects: number;
  readonly remote: { readonly address: string; readonly port: number };
  readonly local: { readonly address: string; readonly port: number };
  readonly connects: number;
  /** Bytes. */
  readonly downloaded: number;
  readonly uploaded: number;
  readonly headerSize: number;
  readonly requestSize: number;
  /** ms since the transfer began. */
  readonly times: {
    readonly lookup: number;
    readonly connect: number;
    readonly preTransfer: number;
    readonly startTransfer: number;
    readonly total: number;
    readonly redirect: number;
  };
  readonly fileName: string;
  readonly exitCode: number;
  readonly errorMessage: string;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(6);
}

function speed(bytes: number, ms: number): string {
  return String(ms > 0 ? Math.floor((bytes * 1000) / ms) : 0);
}

const VARIABLES: ReadonlyMap<string, (report: TransferReport) => string> = new Map(
  Object.entries<(report: TransferReport) => string>({
    content_type: ({ contentType }) => contentType,
    errormsg: ({ errorMessage }) => errorMessage,
    exitcode: ({ exitCode }) => String(exitCode),
    filename_effective: ({ fileName }) => fileName,
    http_code: ({ status }) => String(status).padStart(3, '0'),
    http_version: ({ httpVersion }) => httpVersion,
    local_ip: ({ local }) => local.address,
    local_port: ({ local }) => String(local.port),
    method: ({ method }) => method,
    num_connects: ({ connects }) => String(connects),
    num_redirects: ({ redirects }) => String(redirects),
    redirect_url: ({ redirectUrl }) => redirectUrl,
    remote_ip: ({ remote }) => remote.address,
    remote_port: ({ remote }) => String(remote.port),
    response_code: ({ status }) => String(status).padStart(3, '0'),
    scheme: () => 'HTTP',
    size_download: ({ downloaded }) => String(downloaded),
    size_header: ({ headerSize }) => String(headerSize),
    size_request: ({ requestSize }) => String(requestSize),
    size_upload: ({ uploaded }) => String(uploaded),
    speed_download: ({ downloaded, times }) => speed(downloaded, times.total),
    speed_upload: ({ uploaded, times }) => speed(uploaded, times.total),
    time_appconnect: () => seconds(0),
    time_connect: ({ times }) => seconds(times.connect),
    time_namelookup: ({ times }) => seconds(times.lookup),
    time_pretransfer: ({ times }) => seconds(times.preTransfer),
    time_redirect: ({ times }) => seconds(times.redirect),
    time_starttransfer: ({ times }) => seconds(times.startTransfer),
    time_total: ({ times }) => seconds(times.total),
    url: ({ url }) => url,
    url_effective: ({ url }) => url,
  }),
);

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** The text, and the names that are no variables. */
export function formatWriteOut(format: string, report: TransferReport): { text: string; unknown: string[] } {
  const unknown: string[] = [];
  // A name has an end soon, or a format of many openings would take the square of its length.
  const text = format.replace(/%%|%\{([^}]{0,64})\}|\\(.)/gs, (whole, name?: string, escaped?: string) => {
    if (whole === '%%') return '%';
    if (escaped !== undefined) return ESCAPES[escaped] ?? whole;
    const variable = VARIABLES.get(name ?? '');
    if (variable) return variable(report);
    unknown.push(name ?? '');
    return '';
  });
  return { text, unknown };
}
