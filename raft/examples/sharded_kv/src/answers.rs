//! Answers to clients that both kinds of servers give.

use std::net::SocketAddr;

use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Redirect, Response};
use services::replica::Rejection;

/// The answer to a request that a replica did not handle.
pub(crate) fn rejected(rejection: Rejection, servers: &[SocketAddr], uri: &Uri) -> Response {
    match rejection {
        Rejection::NotLeader { leader } => match leader.and_then(|leader| servers.get(leader)) {
            Some(leader) => redirect(&leader.to_string(), &target(uri, None)),
            None => unavailable(
                "no leader is known, or this server cannot take the request now; nothing was done",
            ),
        },
        Rejection::LeadershipLost | Rejection::NoAnswer => {
            let text = "the outcome is unknown: a write may have been done, or may be later\n";
            (StatusCode::GATEWAY_TIMEOUT, text).into_response()
        }
    }
}

/// Nothing was done; a retry may succeed.
pub(crate) fn unavailable(text: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{text}; try again\n")).into_response()
}

/// Sends the client to another server.
pub(crate) fn redirect(server: &str, target: &str) -> Response {
    Redirect::temporary(&format!("http://{server}{target}")).into_response()
}

/// The target that a client asked for, as it wrote it: a decoded key may mean another path. With the configuration
/// that sends it elsewhere, so that a server with an earlier one does not send it back.
pub(crate) fn target(uri: &Uri, configuration: Option<u64>) -> String {
    let sent = uri.query().unwrap_or_default().split('&');
    let own = sent.filter(|part| !part.is_empty() && !part.starts_with(CONFIGURATION));
    let query: Vec<_> = own.map(str::to_owned).collect();
    let added = configuration.map(|number| format!("{CONFIGURATION}{number}"));
    let query = query.into_iter().chain(added).collect::<Vec<_>>().join("&");
    if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) }
}

/// The parameter that a server adds.
const CONFIGURATION: &str = "configuration=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_sent_on_with_what_it_asked_for() {
        for (uri, configuration, expected) in [
            ("/keys/a%3Fb", None, "/keys/a%3Fb"),
            (
                "/keys/a%2Fb?client=1&serial=2",
                Some(7),
                "/keys/a%2Fb?client=1&serial=2&configuration=7",
            ),
            ("/keys/a?configuration=6&client=1", Some(7), "/keys/a?client=1&configuration=7"),
            ("/keys/a?configuration=6", None, "/keys/a"),
        ] {
            assert_eq!(target(&uri.parse().expect(uri), configuration), expected);
        }
    }
}
