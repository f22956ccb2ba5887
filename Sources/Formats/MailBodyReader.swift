import CGMime

/// A piece of a mail's text. An alternative has both forms.
enum MailSegment {
    case plain(String)
    case html(String)
    case both(plain: String, html: String)

    /// All pieces as one text, and as one HTML document when any of them is HTML.
    static func joined(_ segments: [MailSegment]) -> (text: String, html: String?) {
        var texts: [String] = []
        var htmls: [String] = []
        var hasHTML = false
        for segment in segments {
            switch segment {
            case .plain(let text):
                texts.append(text)
                htmls.append("<div style=\"white-space: pre-wrap\">\(HTMLText.escaped(text))</div>")
            case .html(let html):
                texts.append(HTMLText.text(html))
                htmls.append(html)
                hasHTML = true
            case .both(let plain, let html):
                texts.append(plain)
                htmls.append(html)
                hasHTML = true
            }
        }
        if texts.count > 1 { texts = texts.filter { !ASCII.trim($0).isEmpty } }
        let text = texts.count == 1 ? texts[0] : texts.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined(separator: "\n")
        return (text, hasHTML ? htmls.joined(separator: "\n") : nil)
    }
}

/// Walks over the MIME tree: texts in order, everything else as attachments.
struct MailBodyReader {
    private let hint: String?
    private(set) var attachments: [ParsedAttachment] = []
    private var parts = 0
    private var decodedBytes = 0

    init(hint: String?) { self.hint = hint }

    mutating func read(header: [UInt8], body: [UInt8], from start: Int) throws(MailError) -> [MailSegment] {
        try read(header: header, body: body[start...], depth: 0)
    }

    private mutating func read(header: [UInt8], body: ArraySlice<UInt8>, depth: Int) throws(MailError) -> [MailSegment] {
        guard let message = MIMEMessage(header: header, body: body) else { return [] }
        guard let root = message.root else {
            return body.isEmpty ? [] : [.plain(Charset.text(Array(body), label: nil, hint: hint))]
        }
        let segments = try walk(root, depth: depth, parent: "")
        _ = consume message  // the parts were valid until here
        return segments
    }

    private mutating func walk(_ part: MIMEPart, depth: Int, parent: String) throws(MailError) -> [MailSegment] {
        parts += 1
        if parts > MailParser.partsMax { throw .tooManyParts(max: MailParser.partsMax) }
        if depth > MailParser.depthMax { throw .nestedTooDeep(max: MailParser.depthMax) }
        let type = MediaType(part.header("Content-Type") ?? [], hint: hint)
        if part.isMessage {
            try attachMessage(part, type)
            return []
        }
        guard part.isMultipart else {
            if type.value.hasPrefix("multipart/") { return try recover(part.decoded(), depth: depth) }  // two types; GMime took the other
            return try leaf(part, type, parent: parent)
        }
        if part.childCount == 0 { return try recover(part.prologue, depth: depth) }
        var children: [[MailSegment]] = []
        for index in 0..<part.childCount {
            guard let child = part.child(index) else { continue }
            children.append(try walk(child, depth: depth + 1, parent: type.value))
        }
        return type.value == "multipart/alternative" ? Self.chosen(of: children) : children.flatMap { $0 }
    }

    /// Of alternatives: the words from the first plain one that has any, the looks from the last with HTML.
    private static func chosen(of children: [[MailSegment]]) -> [MailSegment] {
        let joined = children.filter { !$0.isEmpty }.map { (segments: $0, both: MailSegment.joined($0)) }
        let html = joined.last { $0.both.html != nil }?.both.html
        let plain = joined.first { $0.both.html == nil && !ASCII.trim($0.both.text).isEmpty }?.both.text
        switch (plain, html) {
        case (let plain?, let html?): return [.both(plain: plain, html: html)]
        case (let plain?, nil): return [.plain(plain)]
        case (nil, .some): return joined.last { $0.both.html != nil }?.segments ?? []
        case (nil, nil): return joined.first?.segments ?? []
        }
    }

    /// A multipart without a part: its boundary parameter is missing or wrong. The first line that looks like a boundary is taken for it.
    private mutating func recover(_ body: [UInt8], depth: Int) throws(MailError) -> [MailSegment] {
        if ASCII.trim(body[...]).isEmpty { return [] }
        for line in body.split(separator: ASCII.lf, maxSplits: 200) where line.starts(with: [0x2D, 0x2D]) && line.count < 100 {
            let boundary = ASCII.trim(line.dropFirst(2))
            guard !boundary.isEmpty, boundary.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) else { continue }
            let header = Array("Content-Type: multipart/mixed; boundary=\"".utf8) + boundary + Array("\"\n".utf8)
            return try read(header: header, body: body[...], depth: depth + 1)
        }
        return [.plain(Charset.text(body, label: nil, hint: hint))]
    }

    private mutating func leaf(_ part: MIMEPart, _ type: MediaType, parent: String) throws(MailError) -> [MailSegment] {
        let disposition = MediaType(part.header("Content-Disposition") ?? [], hint: hint)
        let bytes = part.decoded()
        decodedBytes += bytes.count
        if decodedBytes > MailParser.decodedBytesMax { throw .decodedTooLarge(max: MailParser.decodedBytesMax) }
        let value = Self.repaired(type.value)
        let name = disposition.parameter("filename") ?? type.parameter("name")
        let isText = ["text/plain", "text/html", "text/enriched", "text/richtext", "text/markdown"].contains(value)
        let isNamed = name != nil && (disposition.value != "" || parts > 1 && parent != "multipart/alternative")
        if isText, disposition.value != "attachment", !isNamed { return [text(bytes, value, type)] }
        if parent == "multipart/alternative", value == "text/x-amp-html" || value == "text/watch-html" { return [] }
        let contentID = part.header("Content-ID").flatMap { MessageIDs.parse($0).first }
        attachments.append(
            ParsedAttachment(
                name: FileName.safe(name, type: value, number: attachments.count + 1), type: value, bytes: bytes, contentID: contentID,
                isInline: disposition.value == "inline" || (disposition.value != "attachment" && contentID != nil)))
        return []
    }

    /// Types without a subtype, as some scripts write them.
    private static func repaired(_ value: String) -> String {
        switch value {
        case "", "text", "plain": "text/plain"
        case "html", "text/xhtml", "application/xhtml+xml": "text/html"
        default: value.contains("/") ? value : "application/octet-stream"
        }
    }

    private func text(_ bytes: [UInt8], _ value: String, _ type: MediaType) -> MailSegment {
        let label = type.parameter("charset")
        if value == "text/html" || value == "text/enriched" || value == "text/richtext" {
            return .html(Charset.text(bytes, label: label, hint: Self.metaCharset(bytes) ?? hint))
        }
        let text = Charset.text(bytes, label: label, hint: hint)
        guard type.parameter("format").map(ASCII.lowercased) == "flowed" else { return .plain(text) }
        return .plain(FlowedText.unwrapped(text, deletesSpace: type.parameter("delsp").map(ASCII.lowercased) == "yes"))
    }

    /// `<meta charset=…>` or its older form, near the beginning.
    static func metaCharset(_ bytes: [UInt8]) -> String? {
        let start = bytes.prefix(2048).map(ASCII.lower)
        guard let at = ASCII.find("charset=", in: start) else { return nil }
        let name = start[(at + 8)...].drop { $0 == 0x22 || $0 == 0x27 || $0 == ASCII.space }
            .prefix { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x5F }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }

    private mutating func attachMessage(_ part: MIMEPart, _ type: MediaType) throws(MailError) {
        let bytes = part.messageBytes()
        decodedBytes += bytes.count
        if decodedBytes > MailParser.decodedBytesMax { throw .decodedTooLarge(max: MailParser.decodedBytesMax) }
        let disposition = MediaType(part.header("Content-Disposition") ?? [], hint: hint)
        var name = disposition.parameter("filename") ?? type.parameter("name")
        if name == nil {
            let header = HeaderBlock(bytes)
            let subject = header.raw("Subject", in: bytes).map { HeaderText.decode($0, hint: hint) } ?? ""
            if !subject.isEmpty { name = FileName.withoutSlashes(subject) + ".eml" }
        }
        attachments.append(
            ParsedAttachment(
                name: FileName.safe(name, type: "message/rfc822", number: attachments.count + 1),
                type: type.value.isEmpty ? "message/rfc822" : type.value,
                bytes: bytes, isInline: disposition.value == "inline"))
    }
}
