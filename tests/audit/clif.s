// SPDX-License-Identifier: MIT
//
// A program that is Cranelift's from its first byte to its last: a framed function, with the unwind
// table that Cranelift writes. Facts: docs/audit.md, "Unwind tables".

	.section .eh_frame,"a",@progbits
cie:	.long	20
	.long	0
	.byte	1
	.asciz	"zR"
	.uleb128 4
	.sleb128 -8
	.byte	30, 1, 0x1b
	.byte	0x0c, 31, 0
	.byte	0, 0, 0, 0
fde:	.long	fde_end - . - 4
	.long	. - cie
	.long	_start - .
	.long	end - _start
	.byte	0
	.byte	0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 29
	.balign	8
fde_end:

	.text
	.globl	_start
	.type	_start, %function
_start:	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	sub	sp, sp, #32
	.inst	0xF80083E0		// stur x0, [sp, #8]
	.inst	0xF84083E1		// ldur x1, [sp, #8]
	uxtb	w2, w1
	uxth	w3, w1
	add	x0, x2, x3
	cmp	x0, #3
	b.hs	1f
	add	sp, sp, #32
	ldp	x29, x30, [sp], #16
	ret
1:	udf	#0xc11f
end:
	.size	_start, end - _start
