// The address of an API server as people write it: https://[fd00::1]:6443. Knows nothing of what answers there.

/** Throws a SyntaxError that says what to write. */
export function parseApiServer(text: string): URL {
  if (!URL.canParse(text)) throw fault(text, "it is not a URL");
  const url = new URL(text);
  if (url.protocol !== "https:") throw fault(text, "tokens are sent there, so it must be https");
  if (url.username !== "" || url.password !== "") throw fault(text, "credentials have no place in it");
  if (url.search !== "" || url.hash !== "") throw fault(text, "it has something after the path");
  return url;
}

function fault(text: string, why: string): SyntaxError {
  return new SyntaxError(
    `${JSON.stringify(text)} is not the address of an API server: ${why}; write it as in https://[fd00::1]:6443`,
  );
}
