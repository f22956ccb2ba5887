import Crypto
import Domain
import Formats
import FoundationEssentials
import _CryptoExtras

// The sealed bodies of WeChat, WeCom and DingTalk: AES-256-CBC, its first 16 bytes chance, then a length in four bytes, the text, and whom
// it is for. The signature is over the sealed text, so nothing is opened that was not signed.
extension ChannelRun {
    private static let chanceBytes = 16
    private static let paddingMax = 32

    /// How pushes are sealed for this account; nil while it gives no key.
    private var seal: ChannelFile.Push.Seal? {
        guard let seal = file.push?.seal, let key = seal.key.text(scope()), !key.isEmpty else { return nil }
        return seal
    }

    /// A push that is believed, in the clear.
    func opened(_ push: ChannelPushed) throws(HookRefusal) -> ChannelPushed {
        guard let rule = file.push else { throw .unknown }
        guard let seal else {
            try admit(push, rule.verify)
            return push
        }
        let whole = ChannelAnswer(status: 200, headers: push.headers, body: push.body)
        guard let root = try? document(whole, rule.format, decode: nil, body: nil) else { throw .unsigned }
        var scope = scope(of: push)
        (scope.root, scope.record) = (root, root)
        guard let sealed = seal.value.text(scope), !sealed.isEmpty else { throw .unsigned }
        try admit(push, seal.verify, sealed: sealed)
        var open = push
        open.body = try unsealed(sealed, seal)
        return open
    }

    /// The answer to a sealed question; nil when it is not sealed.
    func answer(sealed value: String, _ push: ChannelPushed) throws(HookRefusal) -> String? {
        guard let seal, case .query(let name) = seal.verify.place, push.query.contains(where: { $0.name == name }) else { return nil }
        do {
            try admit(push, seal.verify, sealed: value)
            return String(decoding: try unsealed(value, seal), as: UTF8.self)
        } catch { throw .challenge }
    }

    private func unsealed(_ text: String, _ seal: ChannelFile.Push.Seal) throws(HookRefusal) -> [UInt8] {
        guard let key = Data(base64Encoded: (seal.key.text(scope()) ?? "") + "="), key.count == 32, let sealed = Data(base64Encoded: text),
            !sealed.isEmpty, sealed.count % 16 == 0, let start = try? AES._CBC.IV(ivBytes: Array(key.prefix(16))),
            let plain = try? AES._CBC.decrypt(sealed, using: SymmetricKey(data: key), iv: start, noPadding: true)
        else { throw .signature }
        var bytes = Array(plain)
        guard let padding = bytes.last, (1...UInt8(Self.paddingMax)).contains(padding), bytes.count >= Int(padding) + Self.chanceBytes + 4
        else {
            throw .signature
        }
        bytes.removeLast(Int(padding))
        bytes.removeFirst(Self.chanceBytes)
        let length = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length <= bytes.count - 4 else { throw .signature }
        let receiver = String(decoding: bytes[(4 + length)...], as: UTF8.self)
        if let wanted = seal.receiver?.text(scope()), wanted != receiver { throw .signature }
        return Array(bytes[4..<(4 + length)])
    }
}
