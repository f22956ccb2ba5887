import Domain

// What stands before "user unknown": these words may come in the same sentence and say more.
extension Table {
    static let beforeUnknown: [Entry] = [
        Entry(.systemError, ["insufficient permission"]),
        Entry(
            .requirePTR,
            [
                "reverse dns", "no ptr record", "ptr record", "rdns", "reverse lookup", "unverifyable sending ip",
                "unverifiable sending ip",
                "cannot find your hostname", "cannot find your reverse hostname", "client host rejected: cannot find", "missing ptr",
                "does not have a valid ptr", "no reverse", "unresolvable relay host name", "ip name possibly forged",
                "hostname verification failed", "没有反向解析",
            ]),
        Entry(
            .authFailure,
            [
                "dmarc", "authentication checks failed", "authentication information or fails to pass", "spf record", "spf check",
                "spf fail",
                "bad spf", "spf validation", "fails to pass spf", "not permitted by spf", "spf: fail", "sender policy framework",
                "dkim check fail", "dkim fail", "dkim validation", "unauthenticated email", "unauthenticated mail", "openspf.",
                "spf.pobox.com",
                "message does not pass authentication", "fail to pass the spf", "spf=fail", "failed spf", "not authorized to send mail",
            ]),
        Entry(
            .notAccept,
            [
                "indicated no smtp service", "does not accept mail", "not accepting network messages", "null mx", "no smtp service here",
                "smtp service is not available here", "host/domain does not accept mail", "name server returned mx *  null",
                "system not accepting network", "does not accept e-mail", "doesn't accept email", "recipient address has null mx",
            ]),
        Entry(
            .badReputation,
            [
                "ip reputation", "poor reputation", "bad reputation", "low reputation", "sending domain's reputation", "sender reputation",
                "user complaints", "reputation of the sending", "very low reputation", "due to poor mail reputation",
            ]),
        Entry(
            .suspend,
            [
                "account is disabled", "account disabled", "account has been disabled", "has been disabled or discontinued", "is disabled",
                "mailbox is frozen", "account is locked", "temporary locked", "temporarily locked", "account has been suspended",
                "account suspended", "user suspended", "account is blocked", "compte du destinataire est bloque", "is inactive",
                "inactive account", "account inactive", "mailbox is inactive", "inactive user", "account has been locked", "is suspended",
                "account that you tried to reach is disabled", "mailbox disabled", "account is not active", "mailbox currently suspended",
                "user is not active", "deactivated mailbox", "account deactivated", "has been deactivated", "mailbox is disabled",
                "mailbox temporarily disabled", "account expired", "account has expired", "recipient suspend", "domain expired",
                "domain suspended",
                "帐号被禁用", "账号被禁用", "账户被禁用", "帐户已被停用", "账号已停用", "被冻结", "已冻结", "被锁定", "已停用", "已被禁用", "已过期",
            ]),
        Entry(
            .messageTooBig,
            [
                "message too large", "message size exceeds", "size limit exceeded", "exceeded maximum inbound message size",
                "line limit exceeded",
                "exceeded the maximum incoming message size", "exceeds maximum size", "message file too big", "message too big",
                "message length exceeds administrative limit", "message exceeded max", "max message size", "maximum message size",
                "exceeds the maximum message size", "message exceeds fixed", "exceeds size limit", "exceed the size limit",
                "message header size exceeds limit", "mail size limit", "exceeded message size", "larger than the maximum",
                "recipsizelimit", "sizelimit", "邮件过大", "邮件大小超", "超过邮件大小限制", "mail is too large", "mail size exceeds",
            ]),
        Entry(.exceedLimit, ["length exceeds limit set by recipient", "message size exceeds fixed limit set by recipient"]),
        Entry(
            .mailboxFull,
            [
                "mailbox full", "mailbox is full", "mail box full", "mailbox size limit", "over quota", "overquota", "quota exceeded",
                "exceeded quota", "exceeding their quota", "exceeded storage", "exceeds allowed size", "quota violation", "disk quota",
                "out of storage",
                "exceeded their quota", "mailfolder is full", "mail quota", "quota full", "user is over the quota",
                "insufficient space in mailbox",
                "mailbox has exceeded", "mailbox quota", "has exceeded its", "is over disk quota", "full mailbox", "mailbox_full",
                "mailbox space",
                "reached disk quota", "exceeds its quota", "has too much mail stored", "boite du destinataire pleine",
                "storage quota", "out of disk quota", "exceeded the space quota", "shutoffquotaexceeded", "would exceed mailbox",
                "mail quota exceeded",
                "quota exceed", "mailbox exceeded", "postfach voll", "postfach ist voll", "buzon lleno", "buzón lleno", "casella piena",
                "inbox is full", "inbox full", "account is full", "account over quota", "over the maximum", "not enough storage space",
                "user has exhausted allowed storage", "mailboxs is full", "user's mailbox is full", "exceed mailbox", "over his quota",
                "over their quota", "over allowed quota", "over the allowed quota", "user is overquota", "soft quota", "hard quota",
                "邮箱已满", "信箱已满", "邮箱空间不足", "空间已满", "容量已满", "超出配额", "超过邮箱容量", "容量不足", "空间不足", "信箱空間已滿", "メールボックスがいっぱい",
                "容量を超え",
            ]),
        Entry(
            .hasMoved,
            [
                "no longer on server", "has been replaced by", "has moved to", "mailbox has moved", "user has moved", "has a new address",
                "new e-mail address is", "address has changed", "address changed", "please use the new address",
            ]),
        Entry(
            .noRelaying,
            [
                "relay access denied", "relaying denied", "unable to relay", "relay not permitted", "relaying not allowed", "no relaying",
                "not configured to relay", "relay denied", "we do not relay", "insecure mail relay", "relay not allowed",
                "relaying is prohibited",
                "not permitted to relay", "relay is not allowed", "relaying mail to", "cannot relay", "not a gateway",
                "relay operation rejected",
                "authentication is required to relay", "relaying disallowed", "not an authorized relay", "is not permitted to relay",
                "unable to relay for", "that domain isn't in my list of allowed rcpthosts", "that domain isn't in my list",
            ]),
        Entry(
            .virusDetected,
            [
                "virus detected", "contains a virus", "infected with", "virus found", "virus was found", "message infected", "含有病毒",
                "malware",
            ]),
        Entry(
            .spamDetected,
            [
                "scored as spam", "spam detected", "considered spam", "rejected as spam", "identified as spam", "classified as spam",
                "is spam",
                "looks like spam", "spam message", "message content rejected, ube", "blacklisted url", "url in message",
                "blocked by our spam firewall",
                "spam firewall", "likely unsolicited", "appears to be unsolicited", "appears to be spam", "unsolicited bulk",
                "unsolicited e-mail",
                "spam score", "spam content", "spam-like", "high spam", "suspected spam", "spam-refused", "mail appears to be",
                "this is spam",
                "detected as spam", "spam mail", "spambouncer", "spam rejected", "message was flagged", "considered as spam",
                "probably spam",
                "垃圾邮件", "疑似垃圾", "反垃圾", "内容被拒", "内容被判定", "spam or", "dt:spm",
            ]),
        Entry(
            .policyViolation,
            [
                "for policy reasons", "protocol violation", "content presents a potential", "policy violation", "policy restrictions",
                "against policy", "security policy violation", "message rejected by content policy", "local policy violation",
                "due to policy", "email violates", "file type is not allowed", "attachment type", "executable attachment",
                "blocked for security reasons",
                "not accepted for policy", "message refused by mailmarshal", "policy rejection", "violation of policy",
                "prohibited attachment",
            ]),
        Entry(
            .notCompliantRFC,
            [
                "not rfc 5322 compliant", "rfc 5322 specification", "not rfc compliant", "rfc5322 violation", "rfc 2822 compliant",
                "duplicate header",
            ]),
        Entry(
            .tooManyConnections,
            [
                "too many connections", "connection rate limit", "too many recipients", "ip frequency limited", "frequency limited",
                "too many concurrent",
                "rate limit exceeded", "rate limited", "too many sessions", "connection limit", "sending too fast", "too many messages",
                "sending rate", "exceeded the rate", "mfe:fr", "连接过于频繁", "频率过高", "发送频率", "超出频率", "too many mails",
                "throttling failure", "too many invalid recipients", "connection frequency limited", "exceeded hourly", "hourly limit",
            ]),
        Entry(
            .blocked,
            [
                "smtp server of your isp", "blacklisted by recipient", "ip address blacklisted", "banned sending ip", "banned ip",
                "blocked for abuse",
                "blocked by ldap", "client host rejected", "open relay", "invalid ip for sending", "spamhaus", "spamcop", "blocklist",
                "block list",
                "blacklist by", "barracudacentral", "listed at", "is listed in", "is listed on", "currently listed", "blocked using", "rbl",
                "dnsbl", "dynamic ip", "dynamic/generic",
                "not accepting connections", "connection refused by", "messages from * weren't sent", "daily relay quota",
                "you cannot send e-mail to yourself",
                "ip address is blocked", "ip is blocked", "has been blocked by", "access denied...", "you are not allowed to connect",
                "connections from * refused",
                "service refused", "sender ip", "your ip", "connection dropped", "blocked - see", "part of their network is on our block",
                "network is on our block list", "your access to this mail system has been rejected", "no access from mail server",
                "unsolicited mails from your",
                "temporarily blocked", "is in a black list", "is on a black list", "mail server ip connecting", "not allowed to send mail",
                "senderbase", "helo command rejected",
                "access from ip address", "host blocked", "go away", "被列入黑名单", "黑名单", "ip被", "发信ip", "trend micro rbl", "blocked by rbl",
                "refused by your policy",
            ]),
        Entry(
            .rejected,
            [
                "sender rejected", "sender was rejected", "unroutable sender", "domain of sender address", "sender address rejected",
                "from: domain is invalid",
                "from an address that has been blacklisted", "sender domain", "not a member of this mailing list", "not member",
                "purported responsible address",
                "sender not authenticated", "invalid sender", "sender is invalid", "sender verify failed", "sender address does not exist",
                "bad sender", "sender denied", "mail from * rejected", "can't verify sender", "could not verify sender",
                "sender address verification",
                "sender domain must", "mail server from", "sender unknown", "not accepting mail from", "not accept mail from",
                "unresolvable domain: sender",
                "restricted to members", "only members may post", "post by non-member", "permission to post", "recipnotauth", "restricted;",
                "not authorized to send to", "sender not allowed", "rejected by recipient", "recipient has blocked", "发件人被", "被对方拒收", "拒收",
                "不在白名单", "被拒绝接收",
            ]),
        Entry(
            .hostUnknown,
            [
                "host unknown", "unknown host", "host or domain name not found", "no such domain", "domain does not exist",
                "domain is not reachable",
                "couldn't find any host", "couldn't find a host", "invalid domain", "illegal host/domain", "host not found", "no such host",
                "unrouteable mail domain",
                "unroutable mail domain", "could not find a gateway", "dns lookup failure: host", "unknown domain", "domain not found",
                "domain doesn't exist", "bad destination system",
                "all relevant mx records point to non-existent hosts", "lookup of * failed", "no mx or a record",
                "name or service not known", "nxdomain",
                "has no mail exchanger", "no mail hosts for domain", "域名不存在", "域名错误", "找不到域名", "domain invalid", "domain name not found",
                "recipient domain not found",
                "domain isn't", "domain has no", "域名解析",
            ]),
    ]
}
