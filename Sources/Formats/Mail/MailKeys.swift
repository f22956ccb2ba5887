import CGMime
import Domain

/// The keys of a GnuPG home folder, for OpenPGP (gpg) and S/MIME (gpgsm). Each call starts one of these programs and blocks until it is
/// done: never call it on the cooperative pool. Keys must have no passphrase, for nobody is there to type one.
public struct MailKeys: Sendable {
    /// What one opened envelope may hold.
    static let contentBytesMax = MailParser.decodedBytesMax

    /// - Parameter folder: GnuPG's home. It holds for the whole process, so one folder is set once, before other threads start.
    public init(folder: String) {
        g_mime_init()
        g_setenv("GNUPGHOME", folder, 1)
    }

    /// A detached signature.
    /// - Parameter content: the signed part as it stood in the mail, header included.
    func verify(_ content: ArraySlice<UInt8>, signature: [UInt8], system: MailSeal.System) -> MailSeal.Finding {
        Self.withContext(system) { context in
            Self.withStream(Self.withCRLF(content)) { input in
                Self.withStream(signature) { detached in
                    finding { g_mime_crypto_context_verify(context, GMIME_VERIFY_NONE, input, detached, nil, &$0) }
                }
            }
        } ?? .unopened
    }

    /// A signature around its content.
    func verify(opaque envelope: [UInt8], system: MailSeal.System) -> MailSeal.Finding {
        Self.withContext(system) { context in
            Self.withStream(envelope) { input in
                Self.withStream([]) { output in
                    finding { g_mime_crypto_context_verify(context, GMIME_VERIFY_NONE, input, nil, output, &$0) }
                }
            }
        } ?? .unopened
    }

    /// - Returns: the content, and what was found about a signature inside it. Nil content when no key fits.
    func decrypt(_ envelope: [UInt8], system: MailSeal.System) -> (content: [UInt8]?, seals: [MailSeal]) {
        let opened: (content: [UInt8]?, seals: [MailSeal])? = Self.withContext(system) { context in
            Self.withStream(envelope) { input in
                Self.withStream([]) { output in
                    var error: UnsafeMutablePointer<GError>?
                    guard let result = g_mime_crypto_context_decrypt(context, GMIME_DECRYPT_NONE, nil, input, output, &error) else {
                        let why = Self.text(&error)
                        return (nil, [MailSeal(.encrypted, by: system, finding: why.isEmpty ? .unopened : .bad(why: why))])
                    }
                    defer { g_object_unref(result) }
                    guard let array = cgmime_bytes(output), Int(array.pointee.len) <= Self.contentBytesMax else {
                        return (nil, [MailSeal(.encrypted, by: system, finding: .bad(why: "the content is too large"))])
                    }
                    let content = Array(UnsafeBufferPointer(start: array.pointee.data, count: Int(array.pointee.len)))
                    var seals = [MailSeal(.encrypted, by: system, finding: .good(by: ""))]
                    if let list = g_mime_decrypt_result_get_signatures(result), g_mime_signature_list_length(list) > 0 {
                        seals.append(MailSeal(.signed, by: system, finding: Self.worst(of: list)))
                    }
                    return (content, seals)
                }
            }
        }
        return opened ?? (nil, [MailSeal(.encrypted, by: system)])
    }

    // MARK: -

    private func finding(
        _ verify: (inout UnsafeMutablePointer<GError>?) -> UnsafeMutablePointer<GMimeSignatureList>?
    ) -> MailSeal.Finding {
        var error: UnsafeMutablePointer<GError>?
        guard let list = verify(&error) else {
            _ = Self.text(&error)
            return .unopened
        }
        defer { g_object_unref(list) }
        return Self.worst(of: list)
    }

    /// Of several signatures the worst finding counts.
    private static func worst(of list: UnsafeMutablePointer<GMimeSignatureList>) -> MailSeal.Finding {
        var by: String?
        var (isUnopened, isUnsure) = (false, false)
        for index in 0..<min(g_mime_signature_list_length(list), 20) {
            guard let signature = g_mime_signature_list_get_signature(list, index) else { continue }
            let status = g_mime_signature_get_status(signature).rawValue
            func has(_ flag: GMimeSignatureStatus) -> Bool { status & flag.rawValue != 0 }
            if has(GMIME_SIGNATURE_STATUS_RED) { return .bad(why: "the content was changed on the way") }
            if has(GMIME_SIGNATURE_STATUS_KEY_REVOKED) { return .bad(why: "its key was revoked") }
            if has(GMIME_SIGNATURE_STATUS_KEY_MISSING) || has(GMIME_SIGNATURE_STATUS_SYS_ERROR) { isUnopened = true }
            if !has(GMIME_SIGNATURE_STATUS_VALID) { isUnsure = true }
            by = signer(signature)
        }
        guard let by, !isUnopened else { return .unopened }
        return isUnsure ? .unsure(by: by) : .good(by: by)
    }

    /// `Ann Lee <ann@example.com>`: the user id of an OpenPGP key; the common name and the address of a certificate (RFC 4514).
    private static func signer(_ signature: UnsafeMutablePointer<GMimeSignature>) -> String {
        guard let certificate = g_mime_signature_get_certificate(signature) else { return "somebody" }
        func text(_ value: UnsafePointer<CChar>?) -> String { value.map { String(cString: $0) } ?? "" }
        let (id, address) = (text(g_mime_certificate_get_user_id(certificate)), text(g_mime_certificate_get_email(certificate)))
        if let name = id.split(separator: ",").first(where: { $0.hasPrefix("CN=") })?.dropFirst(3) {
            return address.isEmpty ? String(name) : "\(name) <\(address.filter { $0 != "<" && $0 != ">" })>"
        }
        return [id, address, text(g_mime_certificate_get_fingerprint(certificate))].first { !$0.isEmpty } ?? "somebody"
    }

    private static func withContext<R>(_ system: MailSeal.System, _ work: (UnsafeMutablePointer<GMimeCryptoContext>) -> R) -> R? {
        guard let context = system == .openPGP ? g_mime_gpg_context_new() : g_mime_pkcs7_context_new() else { return nil }
        defer { g_object_unref(context) }
        return work(context)
    }

    private static func withStream<R>(_ bytes: [UInt8], _ work: (UnsafeMutablePointer<GMimeStream>) -> R) -> R {
        let stream = bytes.withUnsafeBufferPointer { buffer in
            buffer.isEmpty ? g_mime_stream_mem_new() : g_mime_stream_mem_new_with_buffer(buffer.baseAddress, buffer.count)
        }
        guard let stream else { fatalError("glib could not allocate a stream") }
        defer { g_object_unref(stream) }
        return work(stream)
    }

    private static func text(_ error: inout UnsafeMutablePointer<GError>?) -> String {
        guard let found = error else { return "" }
        defer { g_clear_error(&error) }
        return found.pointee.message.map { String(cString: $0) } ?? ""
    }

    /// Signed content has CRLF line ends whatever the way made of them (RFC 3156 §5).
    private static func withCRLF(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + bytes.count / 32)
        var last: UInt8 = 0
        for byte in bytes {
            if byte == ASCII.lf, last != ASCII.cr { out.append(ASCII.cr) }
            out.append(byte)
            last = byte
        }
        return out
    }
}
