import Domain

/// A piece of a mail's text. An alternative has both forms.
enum MailSegment {
    case plain(String)
    case html(String)
    case both(plain: String, html: String)

    struct Joined {
        var text = ""
        var html: String?
        /// The sender wrote HTML only; the text was made from it.
        var isTextDerived = false
    }

    /// All pieces as one text, and as one HTML document when any of them is HTML.
    static func joined(_ segments: [MailSegment]) -> Joined {
        var texts: [String] = []
        var htmls: [String] = []
        var joined = Joined(isTextDerived: true)
        for segment in segments {
            switch segment {
            case .plain(let text):
                texts.append(text)
                htmls.append("<div style=\"white-space: pre-wrap\">\(HTMLText.escaped(text))</div>")
                joined.isTextDerived = false
            case .html(let html):
                texts.append(HTMLText.text(html))
                htmls.append(html)
                joined.html = ""
            case .both(let plain, let html):
                texts.append(plain)
                htmls.append(html)
                joined.html = ""
                joined.isTextDerived = false
            }
        }
        if texts.count > 1 { texts = texts.filter { !ASCII.trim($0).isEmpty } }
        joined.text = texts.count == 1 ? texts[0] : texts.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined(separator: "\n")
        if joined.html != nil { joined.html = htmls.joined(separator: "\n") }
        return joined
    }
}

/// Walks over the MIME tree: texts in order, everything else as attachments.
struct MailBodyReader {
    let hint: String?
    var attachments: [ParsedAttachment] = []
    /// Seals and locks that were found on the way.
    var seals: [MailSeal] = []
    /// The formatted text of a winmail.dat.
    var outlook: MailSegment?
    private(set) var parts = 0
    private var decodedBytes = 0
    /// Envelopes inside envelopes: signed, encrypted, packed.
    private var wrapping = 0
    private var isInsideDigest = false
    private static let wrappingMax = 5
    private static let textTypes: Set<String> = ["text/plain", "text/html", "text/enriched", "text/richtext", "text/markdown"]
    private static let calendarTypes: Set<String> = ["text/calendar", "application/ics", "text/x-vcalendar", "text/vcalendar"]

    private let keys: MailKeys?
    /// Each opening starts a program, so a mail gets a few of them.
    private static let openingsMax = 20
    /// Opens what is sealed; nil when there are no keys, or the mail had its share.
    private var opener: MailKeys? { seals.count < Self.openingsMax ? keys : nil }

    init(hint: String?, keys: MailKeys? = nil) {
        self.hint = hint
        self.keys = keys
    }

    mutating func read(_ root: MIMEPart) throws(MailError) -> [MailSegment] { try walk(root, parent: "") }

    private mutating func walk(_ part: MIMEPart, parent: String) throws(MailError) -> [MailSegment] {
        parts += 1
        if part.isMessage { return try message(part, parent: parent) }
        guard part.isMultipart else { return try leaf(part, parent: parent) }
        if part.children.isEmpty { return try unparted(part) }
        let type = part.contentType.value
        if type == "multipart/encrypted", let segments = try decrypted(part) { return segments }
        noteSeal(of: part)
        var children: [[MailSegment]] = []
        for child in part.children where type != "multipart/appledouble" || !isResourceFork(child, in: part) {
            children.append(try walk(child, parent: type))
        }
        return type == "multipart/alternative" ? Self.chosen(of: children) : children.flatMap { $0 }
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

    /// A multipart in which no part was found is the text it looks like.
    private mutating func unparted(_ part: MIMEPart) throws(MailError) -> [MailSegment] {
        let bytes = try account(part.decoded())
        if ASCII.trim(bytes[...]).isEmpty { return [] }
        return [.plain(Charset.text(bytes, label: nil, hint: hint))]
    }

    /// RFC 1740: the half of a file that only a Mac understands, beside the half that everybody does.
    private func isResourceFork(_ child: MIMEPart, in parent: MIMEPart) -> Bool {
        child.type == "application/applefile" && parent.children.contains { $0.type != "application/applefile" && !$0.body.isEmpty }
    }

    private mutating func leaf(_ part: MIMEPart, parent: String) throws(MailError) -> [MailSegment] {
        let type = part.type
        let bytes = try account(part.decoded(isText: Self.textTypes.contains(part.type)))
        // A name makes a file of a part, but not of a mail that has no other part, nor of an alternative.
        let isNamed = part.name != nil && (part.dispositionValue != "" || parts > 1 && parent != "multipart/alternative")
        if Self.textTypes.contains(type), part.dispositionValue != "attachment", !isNamed {
            return text(bytes, type, part)
        }
        if parent == "multipart/alternative", type == "text/x-amp-html" || type == "text/watch-html" { return [] }
        if let segments = try opened(part, type, bytes) { return segments }
        attach(bytes, type: type, part: part)
        if Self.calendarTypes.contains(type), let invitation = Invitation(bytes, label: part.contentType.parameter("charset")) {
            invite(invitation)
        }
        return []
    }

    mutating func account(_ bytes: [UInt8]) throws(MailError) -> [UInt8] {
        decodedBytes += bytes.count
        if decodedBytes > MailParser.decodedBytesMax { throw .decodedTooLarge(max: MailParser.decodedBytesMax) }
        return bytes
    }

    mutating func attach(_ bytes: [UInt8], type: String, part: MIMEPart) {
        attachments.append(
            ParsedAttachment(
                name: FileName.safe(part.name, type: type, number: attachments.count + 1), type: type, bytes: bytes,
                contentID: part.contentID, isInline: part.dispositionValue == "inline"))
        attachments[attachments.count - 1].note(part)
    }

    // MARK: texts

    private mutating func text(_ bytes: [UInt8], _ type: String, _ part: MIMEPart) -> [MailSegment] {
        let label = part.contentType.parameter("charset")
        switch type {
        case "text/html": return [.html(Charset.text(bytes, label: label, hint: Self.metaCharset(bytes) ?? hint))]
        case "text/enriched", "text/richtext":
            let html = EnrichedText.html(Charset.text(bytes, label: label, hint: hint), isRich: type == "text/richtext")
            return [.both(plain: HTMLText.text(html), html: html)]
        default: break
        }
        let bytes = withoutFiles(PGPText.content(of: bytes, keys: opener, seals: &seals))
        let text = Charset.text(bytes, label: label, hint: hint)
        guard part.contentType.parameter("format").map(ASCII.lowercased) == "flowed" else { return [.plain(text)] }
        let deletesSpace = part.contentType.parameter("delsp").map(ASCII.lowercased) == "yes"
        return [.plain(FlowedText.unwrapped(text, deletesSpace: deletesSpace))]
    }

    /// Files that were written into the text become attachments.
    private mutating func withoutFiles(_ bytes: [UInt8]) -> [UInt8] {
        let files = UUCode.files(in: bytes[...])
        guard !files.isEmpty else { return bytes }
        var out: [UInt8] = []
        var from = 0
        for file in files {
            out += bytes[from..<file.range.lowerBound]
            from = file.range.upperBound
            let type = MagicType.detect(file.bytes) ?? "application/octet-stream"
            var attachment = ParsedAttachment(
                name: FileName.safe(file.name, type: type, number: attachments.count + 1), type: type, bytes: file.bytes)
            attachment.sentName = file.name.isEmpty ? nil : file.name
            attachment.detectedType = MagicType.detect(file.bytes)
            attachments.append(attachment)
        }
        return out + bytes[from...]
    }

    /// `<meta charset=…>` or its older form, near the beginning.
    static func metaCharset(_ bytes: [UInt8]) -> String? {
        let start = bytes.prefix(2048).map(ASCII.lower)
        guard let at = ASCII.find("charset=", in: start) else { return nil }
        let name = start[(at + 8)...].drop { $0 == 0x22 || $0 == 0x27 || $0 == ASCII.space }
            .prefix { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x5F }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }

    // MARK: messages in the mail

    /// A forwarded message is a file. A digest is what its messages say, so they are read as well.
    private mutating func message(_ part: MIMEPart, parent: String) throws(MailError) -> [MailSegment] {
        let bytes = try account(part.decoded())
        var name = part.name
        let header = HeaderBlock(Array(bytes.prefix(Self.messageHeaderBytesMax)))
        let subject = header.raw("Subject", in: bytes).map { HeaderText.decode($0, hint: hint) } ?? ""
        if name == nil, !subject.isEmpty { name = FileName.withoutSlashes(subject) + ".eml" }
        var attachment = ParsedAttachment(
            name: FileName.safe(name, type: "message/rfc822", number: attachments.count + 1), type: part.type, bytes: bytes)
        attachment.note(part)
        attachments.append(attachment)
        guard parent == "multipart/digest", !isInsideDigest, part.dispositionValue != "attachment" else { return [] }
        var lines: [String] = []
        for field in ["From", "Subject", "Date"] {
            if let raw = header.raw(field, in: bytes) { lines.append("\(field): \(HeaderText.decode(raw, hint: hint))") }
        }
        var inner = self
        inner.isInsideDigest = true
        var segments: [MailSegment] = []
        for child in part.children { segments += try inner.walk(child, parent: parent) }
        parts = inner.parts
        decodedBytes = inner.decodedBytes
        return [.plain(lines.joined(separator: "\n") + "\n\n" + MailSegment.joined(segments).text)]
    }
    private static let messageHeaderBytesMax = 64 << 10

    // MARK: envelopes

    /// What stands in an envelope that we can open; nil when it is an attachment like any other.
    private mutating func opened(_ part: MIMEPart, _ type: String, _ bytes: [UInt8]) throws(MailError) -> [MailSegment]? {
        let name = ASCII.lowercased(part.name ?? "")
        switch type {
        case "application/ms-tnef", "application/vnd.ms-tnef": return unpacked(bytes)
        case "application/octet-stream" where name == "winmail.dat": return unpacked(bytes)
        case "application/pkcs7-mime", "application/x-pkcs7-mime": break
        case "application/octet-stream" where name.hasSuffix(".p7m"): break
        default: return nil
        }
        guard wrapping < Self.wrappingMax else { return nil }
        switch CMS.read(bytes) {
        case .signed(let content):
            seals.append(MailSeal(.signed, by: .smime, finding: opener?.verify(opaque: bytes, system: .smime) ?? .unopened))
            attach(bytes, type: type, part: part)
            return try inside(content)
        case .encrypted:
            attach(bytes, type: type, part: part)
            return try decrypted(bytes, system: .smime)
        case .compressed, .certificates, nil: return nil
        }
    }

    /// The parts of an opened envelope.
    private mutating func inside(_ content: [UInt8]) throws(MailError) -> [MailSegment] {
        wrapping += 1
        defer { wrapping -= 1 }
        return try walk(try MIMESplitter.split(entity: try account(content), hint: hint), parent: "")
    }

    private mutating func decrypted(_ envelope: [UInt8], system: MailSeal.System) throws(MailError) -> [MailSegment] {
        guard let keys = opener else {
            seals.append(MailSeal(.encrypted, by: system))
            return []
        }
        let opened = keys.decrypt(envelope, system: system)
        seals += opened.seals
        return try opened.content.map { content throws(MailError) in try inside(content) } ?? []
    }

    /// RFC 3156 §4: the second part is the envelope. Nil when it stays closed, so that its parts are attachments.
    private mutating func decrypted(_ part: MIMEPart) throws(MailError) -> [MailSegment]? {
        guard let keys = opener, wrapping < Self.wrappingMax, part.children.count >= 2 else { return nil }
        let opened = keys.decrypt(try account(part.children[1].decoded()), system: .openPGP)
        guard let content = opened.content else { return nil }
        seals += opened.seals
        return try inside(content)
    }

    /// The files of a winmail.dat; the file itself only when nothing came out.
    private mutating func unpacked(_ bytes: [UInt8]) -> [MailSegment]? {
        guard let tnef = TNEF(bytes[...]) else { return nil }
        let body = tnef.body
        let before = attachments.count
        tnef.forEachFile { file in
            let detected = MagicType.detect(file.bytes)
            let type = file.type ?? detected ?? "application/octet-stream"
            var attachment = ParsedAttachment(
                name: FileName.safe(file.name, type: type, number: attachments.count + 1), type: type, bytes: file.bytes,
                contentID: file.contentID)
            attachment.detectedType = detected
            attachment.sentName = file.name
            attachments.append(attachment)
        }
        guard body != nil || attachments.count > before else { return nil }
        if let body { outlook = body }
        return []
    }

    private mutating func noteSeal(of part: MIMEPart) {
        let protocolName = part.contentType.parameter("protocol").map(ASCII.lowercased) ?? ""
        let system: MailSeal.System? = protocolName.contains("pgp") ? .openPGP : protocolName.contains("pkcs7") ? .smime : nil
        switch part.contentType.value {
        case "multipart/signed":
            guard let system, part.children.count >= 2 else { return }
            let content = part.children[0]
            let finding = opener?.verify(content.source[content.whole], signature: part.children[1].decoded(), system: system)
            seals.append(MailSeal(.signed, by: system, finding: finding ?? .unopened))
        case "multipart/encrypted": seals.append(MailSeal(.encrypted, by: system ?? .openPGP))
        default: break
        }
    }

    private mutating func invite(_ invitation: Invitation) {
        let text = invitation.text
        if !invitations.contains(text), invitations.count < Self.invitationsMax { invitations.append(text) }
    }
    private(set) var invitations: [String] = []
    private static let invitationsMax = 10
}
