// Passkeys. A form with data-passkey="get" or "create" names where its options come from (data-begin) and where the answer goes
// (data-finish). Both are JSON; the answer to the second is {"location": "/..."}. Where the browser has no passkeys the form stays hidden.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const described = (list) => list?.map((entry) => ({ ...entry, id: bytes(entry.id) }));

async function post(url, body, csrf) {
  const response = await fetch(url, {
    method: "POST", credentials: "same-origin", body: JSON.stringify(body),
    headers: { "content-type": "application/json", accept: "application/json", "x-csrftoken": csrf },
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? "The server did not accept this; try again or use another way.");
  return answer;
}

function answered(credential) {
  const { response } = credential;
  const told = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) if (response[name]) told[name] = text(response[name]);
  if (response.getTransports) told.transports = response.getTransports();
  return {
    id: credential.id, rawId: text(credential.rawId), type: credential.type, response: told,
    authenticatorAttachment: credential.authenticatorAttachment ?? null, clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function ceremony(form) {
  const csrf = form.querySelector("input[name=_csrf_token]").value;
  const fields = Object.fromEntries([...new FormData(form)].filter(([name, value]) => name !== "_csrf_token" && typeof value === "string"));
  const options = await post(form.dataset.begin, fields, csrf);
  const publicKey = options.publicKey ?? options;
  publicKey.challenge = bytes(publicKey.challenge);
  if (form.dataset.passkey === "create") {
    publicKey.user.id = bytes(publicKey.user.id);
    publicKey.excludeCredentials = described(publicKey.excludeCredentials);
  } else publicKey.allowCredentials = described(publicKey.allowCredentials);
  const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
  const { location: place } = await post(form.dataset.finish, { ...fields, challenge_id: options.challenge_id ?? "", credential: answered(credential) }, csrf);
  const target = new URL(place, location.origin);
  if (target.origin === location.origin) location.assign(target.pathname + target.search);
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const said = form.querySelector("[role=alert]");
      said.textContent = "";
      try { await ceremony(form); } catch (error) {
        said.textContent = error.name === "NotAllowedError" ? "No passkey was given; try again, or use another way to sign in." : error.message;
      }
    });
  }
}
