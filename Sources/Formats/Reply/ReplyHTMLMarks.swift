/// How mail programs mark history and signatures in their HTML: by the names they give the elements around them.
enum ReplyHTMLMark: Sendable {
    /// The element is history, with its attribution.
    case quoted
    /// The element holds the attribution and the quotations; answers may stand between them (Gmail, Proton).
    case holder
    /// The element, and everything behind it, is history (Outlook, Hotmail, Zimbra).
    case onwards
    /// Indented text: history when something introduces it, else perhaps the author's own.
    case soft
    /// Indented by the author's own hand.
    case authored
    case signature

    /// - Parameters:
    ///   - isInside: whether it stands in a holder.
    static func of(_ name: String, _ attributes: HTMLAttributes, isInside: Bool) -> ReplyHTMLMark? {
        let id = attributes["id"] ?? ""
        let classes = attributes["class"] ?? ""
        if name == "blockquote" { return blockquote(attributes, id, classes, isInside: isInside) }
        if id.isEmpty, classes.isEmpty, !attributes.contains("name"), !attributes.contains("data-marker"),
            !attributes.contains("data-signatureblock"), !attributes.contains("data-smartmail")
        {
            return nil
        }
        let named = bare(id)
        if onwardsIDs.contains(named) || attributes["data-marker"] == "__DIVIDER__" { return .onwards }
        if quotedIDs.contains(named) || named.hasPrefix("yahoo_quoted") || attributes["name"].map(quotedNames.contains) == true {
            return .quoted
        }
        if signatureIDs.contains(named) || attributes["data-signatureblock"] == "true" || attributes["name"] == "messageSignatureSection"
            || attributes["data-smartmail"] == "gmail_signature"
        {
            return .signature
        }
        for word in classes.split(separator: " ") {
            let word = bare(String(word))
            if holderClasses.contains(word) { return .holder }
            if quotedClasses.contains(word) { return .quoted }
            if signatureClasses.contains(word) { return .signature }
        }
        return nil
    }

    private static func blockquote(_ attributes: HTMLAttributes, _ id: String, _ classes: String, isInside: Bool) -> ReplyHTMLMark {
        if isInside || attributes["type"].map({ ASCII.lowercased($0) == "cite" }) == true || attributes.contains("cite") { return .quoted }
        let named = bare(id)
        if quotedIDs.contains(named) { return .quoted }
        for word in classes.split(separator: " ").map({ bare(String($0)) }) {
            if word == "gmail_quote" { return .authored }
            if quotedClasses.contains(word) || holderClasses.contains(word) { return .quoted }
        }
        return .soft
    }

    /// Outlook on the web puts `x_` before the names of the mail it answers, once per answer.
    private static func bare(_ name: String) -> String {
        var name = name[...]
        while name.hasPrefix("x_") { name = name.dropFirst(2) }
        return String(name)
    }

    private static let onwardsIDs: Set<String> = [
        "appendonsend", "divRplyFwdMsg", "stopSpelling", "zwchr", "reply-intro-onwards", "mail-editor-reference-message-container",
    ]
    private static let quotedIDs: Set<String> = [
        "OLK_SRC_BODY_SECTION", "isReplyContent", "original-content", "mail-app-auto-quote", "replySplit", "yahoo_quoted", "reply-intro",
        "quoted_content", "origbody", "__aliyun_previous_message", "qt", "ntes-mailmaster-quote", "wmQuoteWrapper", "zmail_extra",
    ]
    private static let quotedNames: Set<String> = ["quote", "messageReplySection", "yahoo_quoted"]
    private static let signatureIDs: Set<String> = [
        "Signature", "AppleMailSignature", "ms-outlook-mobile-signature", "ms-outlook-mobile-body-separator-line", "signature",
        "ymail_android_signature", "ymail_android_signature_link", "divtagdefaultwrapper-signature", "__aliyun_signature_wrap",
        "_foxmail_sign_", "ntes-mailmaster-signature", "netease_mail_footer", "mobile-signature", "yahoo_signature", "mailbox_signature",
        "lineBreakAtBeginningOfSignature", "spark-signature",
    ]
    private static let holderClasses: Set<String> = ["gmail_quote", "gmail_quote_container", "protonmail_quote", "gmail_extra_quote"]
    private static let quotedClasses: Set<String> = [
        "yahoo_quoted", "moz-cite-prefix", "moz-forward-container-quote", "zmail_extra", "zmail_extra_hr", "tutanota_quote",
        "clean_bq", "bloop_original_html", "front-blockquote", "hs_reply", "gmail_attr", "ntes-mailmaster-quote", "alimail-quote",
        "mailspring-quote", "nylas-quote", "freshdesk_quote", "zd-comment-quote", "quoted-text", "acompli_quote",
        "airmail_ext_on", "mail-quote-collapse", "qmbox_quote", "xm_quote", "OutlookMessageHeader", "history_container",
        "email_quoted_reply",
    ]
    private static let signatureClasses: Set<String> = [
        "gmail_signature", "gmail_signature_prefix", "moz-signature", "protonmail_signature_block", "protonmail_signature_block-user",
        "protonmail_signature_block-proton", "yahoo-signature", "ymail_android_signature", "mailmaster-signature", "xm_signature",
        "mail-signature", "email-signature", "tutanota_signature", "zimbra-signature",
    ]
}
