extension TNEF {
    struct File {
        var name: String?
        var type: String?
        var contentID: String?
        var bytes: [UInt8]
    }

    /// All files, those of messages inside too; a message inside gives its words as a file of its own.
    func forEachFile(_ body: (File) -> Void) {
        for attachment in attachments {
            guard let message = attachment.message else {
                body(File(name: attachment.name, type: attachment.type, contentID: attachment.contentID, bytes: attachment.bytes))
                continue
            }
            let name = message.subject.map(FileName.withoutSlashes) ?? attachment.name ?? "message"
            switch message.body {
            case .html(let html), .both(_, let html): body(File(name: name + ".html", type: "text/html", bytes: Array(html.utf8)))
            case .plain(let text): body(File(name: name + ".txt", type: "text/plain", bytes: Array(text.utf8)))
            case nil: break
            }
            message.forEachFile(body)
        }
    }

    /// The words: HTML, else the HTML or text inside the RTF, else plain text.
    var body: MailSegment? {
        let plain = text.flatMap { ASCII.trim($0).isEmpty ? nil : $0 }
        if let html, !html.isEmpty {
            let text = Charset.text(html, label: MailBodyReader.metaCharset(html) ?? htmlCharset)
            return plain.map { .both(plain: $0, html: text) } ?? .html(text)
        }
        switch rtf.flatMap(RTFReader.read) {
        case .html(let html): return plain.map { .both(plain: $0, html: html) } ?? .html(html)
        case .text(let text): return .plain(plain ?? text)
        case nil: return plain.map { .plain($0) }
        }
    }
}
