# SPDX-License-Identifier: MIT
#
# x86-64: functions as Cranelift, LLVM and GCC begin them, with their unwind entries. test_code_x86 says
# what each has to come out as.
	.text

	.macro	function name
	.globl	\name
	.type	\name, @function
\name:	.cfi_startproc
	.endm

# what Cranelift writes: registers are saved by mov below the frame
	function saves
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	sub	$0x40, %rsp
	mov	%rbx, 0x20(%rsp)
	.cfi_offset %rbx, -48
	mov	%r12, 0x28(%rsp)
	.cfi_offset %r12, -40
	call	framed
	ud2
	.cfi_endproc

# the same entry, but the code saves other registers
	function saves_others
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	sub	$0x140, %rsp
	mov	%rbx, 0x20(%rsp)
	.cfi_offset %r13, -48
	ud2
	.cfi_endproc

# Cranelift's, and LLVM's with frame pointers in functions that do not return
	function framed
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	ud2
	.cfi_endproc

# LLVM with frame pointers: back at the end
	function restores
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	pop	%rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.byte	0xcc, 0xcc, 0xcc

# without frame pointer
	function pushes
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset %rbx, -16
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc

	function leaf
	lea	(%rdi,%rsi), %rax
	ret
	.cfi_endproc

	function marked
	endbr64
	ret
	.cfi_endproc

# an entry of a frame over code that makes none
	function forged
	nop
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	xor	%eax, %eax
	.cfi_def_cfa_register %rbp
	ret
	.cfi_endproc

	.globl	no_entry
	.type	no_entry, @function
no_entry:
	xor	%eax, %eax
	ret
