import Domain

// What servers say about users and hosts that do not exist, and what is looked for after that.
extension Table {
    /// A directory was asked; where these words come from no filter stands between.
    static let unknownForSure = Entry(
        .userUnknown,
        [
            "not listed in domino directory", "not listed in public name", "domino ディレクトリには見つかりません", "ディレクトリのリストにありません",
            "no valid recipients for this mm",
            "unknown in local recipient table", "unknown in virtual", "in relay recipient table", "recipient name is not recognized",
            "recipnotfound",
            "recipientnotfound", "user not known", "not a sbcglobal.net account", "user doesn't have a", "no mailbox here by that name",
            "no matches to nameserver query",
            "unknown in local", "mail.local: unknown user", "no such mailbox", "couldn't find any user", "invalid final delivery userid",
            "not found in directory",
            "address not present in directory", "recipient not exist", "收件人不存在", "收信人不存在", "用户不存在", "邮箱不存在", "账号不存在", "帐号不存在", "邮箱地址不存在",
            "無此使用者", "无此用户",
            "找不到收件人", "ユーザーが見つかりません", "ユーザが存在しません",
        ])

    /// The words of a directory and of a filter.
    static let unknown = Entry(
        .userUnknown,
        [
            "user unknown", "unknown user", "no such user", "user not found", "unknown recipient", "mailbox unavailable",
            "invalid recipient",
            "unknown or illegal user", "not our user", "no such person", "recipient unknown", "address unknown", "addressee unknown",
            "account that you tried to reach does not exist", "does not exist", "doesn't exist", "not a valid recipient", "invalid mailbox",
            "unknown mailbox",
            "mailbox not found", "recipient not found", "no user", "not a valid mailbox", "account not found", "no such account",
            "is not a known user",
            "invalid address", "destinataire invalide", "no such address", "no mailbox", "user invalid", "invalid user", "not a valid user",
            "bad destination mailbox",
            "unrouteable address", "unroutable address", "no valid recipients", "no such recipient", "mailbox * not available",
            "is not a registered", "user is unknown", "recipient rejected", "unbekannter empf", "empfaenger unbekannt",
            "empfänger unbekannt", "unbekannter benutzer",
            "destinatario desconocido", "usuario desconocido", "utente sconosciuto", "utilisateur inconnu", "destinataire inconnu",
            "n'existe pas", "no longer valid",
            "is not local", "no longer available", "unknown local", "not known at this", "no account", "local user unknown",
            "no longer with", "пользователь не найден", "нет такого",
            "宛先不明", "mailbox does not", "not exist", "can't find user", "non-existent", "nonexistent", "bad address", "address is wrong",
            "does not have a final email delivery point", "not match an", "user or domain", "illegal alias", "unknown account",
        ])

    static let afterUnknown: [Entry] = [
        Entry(.onHold, ["due to a recipient error"]),
        Entry(
            .systemFull,
            [
                "insufficient disk space", "insufficient system storage", "insufficient system resources", "no space left", "disk full",
                "system storage",
            ]),
        Entry(
            .contentError,
            [
                "headers too large", "message content rejected", "content rejected", "header error", "message contains bare",
                "invalid character in header", "too many received", "improper use of 8-bit",
            ]),
        Entry(
            .filtered,
            [
                "message filtered", "rejected by a remote mail server", "domain filter", "because they are not accepting mail",
                "blocked by the recipient", "is not accepting mail from",
            ]),
        Entry(
            .syntaxError,
            [
                "malformed address", "sequence of commands", "syntax error", "improper sequence", "command unrecognized",
                "unrecognized command", "bad sequence", "need rcpt", "must issue",
            ]),
        Entry(
            .mailerError,
            [
                "mailer error", "procmail:", "command died", "exit value", "child status", "unknown mailer error",
                "temporary failure. command output", "x-unix",
            ]),
        Entry(
            .networkError,
            [
                "host name lookup failure", "wasn't able to establish an smtp connection", "too many hops", "hop count exceeded",
                "mail loops back", "message looping", "loops back to myself",
                "name server loop", "no route to host", "network is unreachable", "network error", "could not connect and send",
                "unable to resolve route", "dns timeout",
                "tls is required", "routing loop", "network unreachable", "host is unreachable", "mail forwarding loop", "loop detected",
                "连接失败", "网络错误",
            ]),
        Entry(
            .expired,
            [
                "retry timeout exceeded", "delivery timed out", "message expired", "queue.expired", "envelope expired",
                "did not accept our requests to connect", "connection timed out",
                "operation timed out", "host not reachable", "is not responding", "not responding", "not collected after",
                "has been in the queue too long", "giving up",
                "delivery failed 20 attempts", "delivery failed * attempts", "delivery expired", "timed out", "message timed out",
                "not delivered within", "time expired", "delivery time expired",
                "message is delayed", "no answer from host", "could not be delivered for",
                "unable to deliver message after multiple retries", "was aborted after", "has been delayed",
                "server unavailable or busy", "connection to mail exchanger failed", "can't connect to host", "maximum-time-expired",
                "did not respond", "not yet been delivered", "投递超时", "连接超时", "超时",
            ]),
        Entry(
            .systemError,
            [
                "service currently unavailable", "internal system error", "system error", "does not support tls", "insufficient permission",
                "local error", "can't create user output file", "temporary local problem",
                "operating system error", "configuration error", "local configuration", "internal error", "internal server error",
                "internal software error", "temporary server error",
                "duplicated message-id", "loop alert", "server error", "server configuration", "unable to open", "error opening",
                "system config", "service not available", "service unavailable", "read error", "remote server is misconfigured",
            ]),
        Entry(
            .securityError,
            [
                "access denied", "authentication required", "must be authenticated", "authentication turned on", "requires authentication",
                "not authorized", "verification failure", "insecure", "permission denied",
            ]),
        Entry(.rejected, ["rejected by server", "you are not allowed", "not allowed to post", "message rejected", "mail rejected"]),
    ]
}
